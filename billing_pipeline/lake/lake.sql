-- What a new lake needs beside its tables and views, after the table `usage` and before any view: DuckLake 1.0 fails
-- when an option is set where there are views.
ALTER TABLE usage SET PARTITIONED BY (billing_period);
CALL warehouse.set_option('parquet_compression', 'zstd');
-- The few rows that a load adds to the other tables are kept in the catalogue, not in a Parquet file each.
CALL warehouse.set_option('data_inlining_row_limit', 100);
CALL warehouse.set_option('data_inlining_row_limit', 0, table_name => 'usage');
