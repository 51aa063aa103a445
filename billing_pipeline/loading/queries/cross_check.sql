-- Multiset difference of a report's two files: rows that one file has more often than the other, compared by value,
-- column by column. Returns those of the first natural keys in report order, from both sides, and the number of all.
WITH either_row AS (
    SELECT 1 AS side, report_row, {names}
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    UNION ALL
    SELECT -1, report_row, {names}
    FROM (SELECT report_row, {typed} FROM ({witness}))
),

unmatched AS MATERIALIZED (
    SELECT
        {names},
        sum(side)::BIGINT AS excess,
        min(report_row) FILTER (side > 0) AS json_row,
        min(report_row) FILTER (side < 0) AS csv_row
    FROM either_row
    GROUP BY {names}
    HAVING sum(side) <> 0
),

first_key AS (
    SELECT natural_key(unmatched) AS natural_key
    FROM unmatched
    GROUP BY ALL
    ORDER BY min(coalesce(json_row, csv_row)), min(json_row) IS NULL
    LIMIT $keys
)

SELECT
    (SELECT sum(abs(excess))::BIGINT FROM unmatched) AS unmatched_rows,
    natural_key(unmatched) AS natural_key,
    json_row,
    csv_row,
    {names}
FROM unmatched
SEMI JOIN first_key ON first_key.natural_key = natural_key(unmatched)
ORDER BY coalesce(json_row, csv_row), json_row IS NULL
LIMIT 1000
