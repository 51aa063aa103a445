-- Exports one period of a table or view: CSV in UTF-8 with a header and all digits, or Parquet with the table's types.
COPY (
    SELECT {columns}
    FROM {table}
    WHERE billing_period = DATE '{day}'
    ORDER BY {order}
) TO {path} ({options})
