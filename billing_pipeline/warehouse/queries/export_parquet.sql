-- One period of a table or view as Parquet, with the table's types.
COPY (
    SELECT {columns}
    FROM {table}
    WHERE billing_period = DATE '{day}'
    ORDER BY {order}
) TO {path} (FORMAT parquet, COMPRESSION zstd)
