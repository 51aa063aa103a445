-- The fields of the rows in some batches of one layout.
SELECT
    {fields},
    {extra} AS extra,
    report_row
FROM ({batches}) AS batches
