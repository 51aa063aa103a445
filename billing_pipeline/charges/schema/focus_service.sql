-- FOCUS's name and category of the service that an offering item belongs to: that of the first pattern that its name has.
CREATE OR REPLACE TABLE focus_service AS
SELECT priority::INTEGER AS priority, offering_item_pattern, service_name, service_category, service_subcategory
FROM read_csv(
    $path,
    auto_detect = false,
    header = true,
    quote = '"',
    -- Otherwise a folder called priority=… would be read as the column.
    hive_partitioning = false,
    columns = {
        'priority': 'VARCHAR', 'offering_item_pattern': 'VARCHAR', 'service_name': 'VARCHAR',
        'service_category': 'VARCHAR', 'service_subcategory': 'VARCHAR'
    }
)
