-- Every field of a row has a column in `usage` that holds its value; other fields and values are kept in `extra`.
--
-- A field that the month before has there too is only listed.
SELECT
    format(
        '{}: in {} rows, the first is row {}', field, count(*) FILTER (is_now), min(report_row) FILTER (is_now)
    ) AS finding,
    count(*) FILTER (is_now) AS usage_rows,
    bool_and(is_now) AS is_failure
FROM (
    SELECT report_row, billing_period = $billing_period AS is_now, unnest(json_keys(extra)) AS field
    FROM usage
    WHERE
        account = $account
        AND billing_period IN ($billing_period, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
        AND extra IS NOT NULL
)
GROUP BY field
HAVING bool_or(is_now)
ORDER BY is_failure DESC, usage_rows DESC, field
