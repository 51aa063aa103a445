-- Currencies of ISO 4217, with the number of decimals of their minor unit.
CREATE OR REPLACE TABLE iso_currency AS
SELECT code AS currency, minor_unit::TINYINT AS minor_unit
FROM read_csv(
    $path,
    auto_detect = false,
    header = true,
    -- Otherwise a folder called code=… would be read as the column.
    hive_partitioning = false,
    columns = {'code': 'VARCHAR', 'minor_unit': 'VARCHAR'}
)
