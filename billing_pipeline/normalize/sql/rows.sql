-- The one projection of a usage row, whatever format and layout it came in. `source` has a column for each field, by its
-- dotted name and with the `sql_type` of its kind (fields.py), and report_row and extra.
SELECT
    {columns},
    extra::JSON AS extra,
    report_row::INTEGER AS report_row
FROM ({source}) AS report_rows
