-- The fields of the rows in a batch of flat elements, each with its position in the report.
SELECT
    {fields},
    {extra} AS extra,
    report_row
FROM (
    SELECT *, row_number() OVER () + {rows_before} AS report_row
    FROM read_json(
        [{files}],
        format = 'array', columns = {{{columns}}}, maximum_object_size = {largest_element},
        -- Otherwise a folder called name=… would be read as the field.
        hive_partitioning = false
    )
) AS numbered
WHERE report_row BETWEEN {first_row} AND {last_row}
