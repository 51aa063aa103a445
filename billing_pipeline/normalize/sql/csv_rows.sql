-- Strict RFC 4180: every cell is text, no type is guessed, no line is skipped.
SELECT
    {fields},
    {extra} AS extra,
    report_row
FROM (
    SELECT *, row_number() OVER () AS report_row
    FROM read_csv(
        {file},
        auto_detect = false, header = true, columns = {{{columns}}},
        hive_partitioning = false,
        delim = ',', quote = '"', escape = '"', strict_mode = true, null_padding = false, ignore_errors = false,
        -- In parallel, DuckDB guesses where records begin, and may split a quoted cell that has line breaks.
        parallel = false,
        max_line_size = {longest_line}, buffer_size = 2 * {longest_line}
    )
) AS lines
