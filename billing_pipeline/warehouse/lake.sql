-- What a new lake needs beside its tables and views, after the table `usage` and before any view: DuckLake 1.0 fails
-- when an option is set where there are views.
ALTER TABLE usage SET PARTITIONED BY (billing_period);
CALL warehouse.set_option('parquet_compression', 'zstd');
-- The few rows that a load adds to the other tables lie in the catalogue, not in a Parquet file each.
CALL warehouse.set_option('data_inlining_row_limit', 100);
CALL warehouse.set_option('data_inlining_row_limit', 0, table_name => 'usage');
-- A view for each billing period tells which change was the last. Of two changes of one period at once both replace
-- its view, and DuckLake lets only one of them do that. Nothing else would keep two first loads of a month from both
-- being there: rows that are merely inserted never conflict.
CREATE SCHEMA last_change;
