-- The rows of a part, each with its position in the file.
SELECT *
FROM (
    SELECT *, row_number() OVER () + {rows_before} AS report_row
    FROM ({rows}) AS part
) AS numbered
WHERE report_row BETWEEN {first_row} AND {last_row}
