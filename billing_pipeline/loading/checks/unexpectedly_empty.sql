-- An empty report does not replace a month that has usage, unless the load is forced.
SELECT
    format(
        'the report is empty, and would replace {} rows; if that is correct, load it with `run --force`', row_count
    ) AS finding,
    0 AS usage_rows,
    true AS is_failure
FROM loaded_report
WHERE
    billing_period = $billing_period AND account = $account
    AND row_count > 0
    AND NOT EXISTS (FROM usage WHERE billing_period = $billing_period AND account = $account)
