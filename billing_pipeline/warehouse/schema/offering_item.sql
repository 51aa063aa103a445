-- Offering items as Acronis lists them, with their friendly names.
CREATE OR REPLACE TABLE offering_item AS
SELECT
    name AS offering_item,
    nullif(application_type, '') AS application_name,
    nullif(edition, '') AS edition,
    nullif(friendly_name, '') AS friendly_name,
    nullif(measurement_unit, '') AS measurement_unit
FROM read_csv(
    $path,
    auto_detect = false,
    header = true,
    quote = '"',
    -- Otherwise a folder called name=… would be read as the column.
    hive_partitioning = false,
    columns = {
        'name': 'VARCHAR', 'application_type': 'VARCHAR', 'edition': 'VARCHAR', 'friendly_name': 'VARCHAR',
        'measurement_unit': 'VARCHAR'
    }
)
