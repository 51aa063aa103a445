SELECT
    {fields},
    {extra} AS extra,
    0 AS report_row
FROM read_json('{file}', format = 'newline_delimited', columns = {{{columns}}})
