-- Options of a new lake. Set after the table `usage` and before any view, because DuckLake 1.0 cannot set an option if
-- there are views.
ALTER TABLE usage SET PARTITIONED BY (billing_period);
CALL warehouse.set_option('parquet_compression', 'zstd');
-- Data inlining: the few rows per load of the other tables are stored in the catalogue instead of one Parquet file each.
CALL warehouse.set_option('data_inlining_row_limit', 100);
CALL warehouse.set_option('data_inlining_row_limit', 0, table_name => 'usage');
