-- The elements of a part of the file.
SELECT *
FROM read_json(
    [{files}],
    format = 'array', columns = {{{columns}}}, maximum_object_size = {largest_element},
    -- Or a folder called name=… would be taken for the field.
    hive_partitioning = false
)
