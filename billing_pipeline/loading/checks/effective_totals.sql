-- Effective usage, which is not invoiced, is complete: each row has it, and its total is production plus trial.
--
-- A fault that the month before has too is only listed.
SELECT
    format(
        'effective: {} rows{}, the first is row {}',
        count(*) FILTER (is_now), fault, min(report_row) FILTER (is_now)
    ) AS finding,
    count(*) FILTER (is_now) AS usage_rows,
    bool_and(is_now) AS is_failure
FROM (
    SELECT
        report_row,
        billing_period = $billing_period AS is_now,
        if(effective_total <> effective_production + effective_trial, '', ' lack it') AS fault
    FROM usage
    WHERE
        account = $account
        AND billing_period IN ($billing_period, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
        AND (effective_total = effective_production + effective_trial) IS DISTINCT FROM true
)
GROUP BY fault
HAVING bool_or(is_now)
ORDER BY is_failure DESC, fault
