-- Every field of a row has a column in `usage` that holds its value; other fields and values are kept in `extra`.
SELECT
    format('{}: in {} rows, the first is row {}', field, count(*), min(report_row)) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM (
    SELECT report_row, unnest(json_keys(extra)) AS field
    FROM usage
    WHERE billing_period = $billing_period AND account = $account AND extra IS NOT NULL
)
GROUP BY field
ORDER BY usage_rows DESC, field
