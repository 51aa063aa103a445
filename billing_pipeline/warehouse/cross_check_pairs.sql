-- The first of them, in the order of the report; a row stands beside its like in the other file, by the natural key.
WITH j AS (
    SELECT * FROM temp.differing_row WHERE side = 'json' ORDER BY report_row LIMIT 1000
),

c AS (
    SELECT * FROM temp.differing_row WHERE side = 'csv' ORDER BY report_row LIMIT 1000
)

SELECT j.report_row, c.report_row, {json_names}, {csv_names}
FROM j
FULL JOIN c ON {same_key}
ORDER BY coalesce(j.report_row, c.report_row), j.report_row IS NULL
LIMIT $pairs
