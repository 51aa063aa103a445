-- The fields of the rows that are in some parts of the file.
SELECT
    {fields},
    {extra} AS extra,
    report_row
FROM ({parts}) AS elements
