-- Columns of a table, with type and comment.
SELECT column_name, data_type, comment
FROM duckdb_columns()
WHERE table_name = $table AND NOT internal
ORDER BY column_index
