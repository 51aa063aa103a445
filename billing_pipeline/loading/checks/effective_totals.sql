-- Effective usage, which is not invoiced, is complete: each row has it, and its total is production plus trial.
SELECT
    format('effective: {} rows{}, the first is row {}', count(*), fault, min(report_row)) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM (
    SELECT
        report_row,
        if(effective_total <> effective_production + effective_trial, '', ' lack it') AS fault
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND (effective_total = effective_production + effective_trial) IS DISTINCT FROM true
)
GROUP BY fault
ORDER BY fault
