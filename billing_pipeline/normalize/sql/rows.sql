-- The projection of a usage row, the same for every format and layout. `source` has a column for each field, with its
-- dotted name and the `sql_type` of its kind (fields.py), and the columns report_row and extra.
SELECT
    {columns},
    extra::JSON AS extra,
    report_row::INTEGER AS report_row
FROM ({source}) AS report_rows
