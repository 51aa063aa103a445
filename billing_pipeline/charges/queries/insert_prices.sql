-- Prices of one file; its texts have the pattern of the type that they are cast to.
INSERT INTO new_price BY NAME
SELECT
    $side AS side,
    price_list,
    nullif(sku, '') AS sku,
    nullif(offering_item, '') AS offering_item,
    nullif(storage_ownership, '') AS storage_ownership,
    unit,
    coalesce(nullif(from_quantity, ''), '0')::DECIMAL(18, 2) AS from_quantity,
    unit_price::DECIMAL(18, 6) AS unit_price,
    currency,
    (valid_from || '-01')::DATE AS valid_from,
    (nullif(valid_to, '') || '-01')::DATE AS valid_to,
    nullif(description, '') AS description,
    file_row::INTEGER AS file_row
FROM (SELECT unnest($rows, max_depth := 2))
