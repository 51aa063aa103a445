-- Fields of the report that have no column.
SELECT DISTINCT unnest(json_keys(extra)) AS field
FROM report_rows
WHERE extra IS NOT NULL
ORDER BY field
