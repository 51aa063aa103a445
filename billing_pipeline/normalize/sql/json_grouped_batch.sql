-- The fields of the rows in a batch of grouped elements, which have a list of rows and the fields that these share.
SELECT
    {fields},
    {extra} AS extra,
    report_row
FROM (
    SELECT *, row_number() OVER () + {rows_before} AS report_row
    FROM (
        SELECT * EXCLUDE ({rows_key}), unnest({rows_key}) AS usage_row
        FROM read_json(
            [{files}],
            format = 'array', columns = {{{columns}}}, maximum_object_size = {largest_element},
            -- Otherwise a folder called name=… would be read as the field.
            hive_partitioning = false
        )
    ) AS batch
) AS numbered
WHERE report_row BETWEEN {first_row} AND {last_row}
