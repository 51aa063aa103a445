-- Rows of a price file for everything that is billed in a month, with empty prices.
SELECT
    'standard' AS price_list,
    sku,
    CASE WHEN sku IS NULL THEN offering_item END AS item_without_sku,
    storage_ownership,
    unit,
    NULL AS from_quantity,
    NULL AS unit_price,
    NULL AS currency,
    strftime($month::DATE, '%Y-%m') AS valid_from,
    NULL AS valid_to,
    string_agg(DISTINCT coalesce(friendly_name, offering_item), ', ' ORDER BY coalesce(friendly_name, offering_item))
        AS description
FROM priced_usage_in($month::DATE)
LEFT JOIN (
    SELECT offering_item, max(friendly_name) AS friendly_name FROM offering_item GROUP BY offering_item
) USING (offering_item)
GROUP BY sku, item_without_sku, storage_ownership, unit
ORDER BY sku IS NULL, sku, item_without_sku, storage_ownership, unit
