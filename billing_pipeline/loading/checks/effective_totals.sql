-- Total equals production plus trial in the effective usage too, which is not invoiced.
SELECT
    format('effective: {} rows, the first is row {}', count(*), min(report_row)) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND effective_total <> effective_production + effective_trial
HAVING count(*) > 0
