-- The columns of `usage` that come from the report itself, with their types.
SELECT column_name, data_type
FROM duckdb_columns()
WHERE
    table_name = 'usage' AND database_name = 'warehouse'
    AND column_name NOT IN (
        'billing_period', 'period_start', 'period_end', 'root_tenant_id', 'report_id', 'stored_report_id', 'loaded_at',
        'account'
    )
ORDER BY column_index
