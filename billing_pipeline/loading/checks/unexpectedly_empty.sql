-- A report without a row does not replace a month that has usage, unless it is loaded by force.
SELECT
    format(
        'the report is empty, and would replace {} rows; if that is right, load it with `run --force`', row_count
    ) AS finding,
    0 AS usage_rows,
    true AS is_failure
FROM loaded_report
WHERE
    billing_period = $billing_period AND account = $account
    AND row_count > 0
    AND NOT EXISTS (FROM usage WHERE billing_period = $billing_period AND account = $account)
