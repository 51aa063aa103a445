-- Exports rows: CSV in UTF-8 with a header and all digits, or Parquet with the table's types.
COPY (
    {select}
) TO {path} ({options})
