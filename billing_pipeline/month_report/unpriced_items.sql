-- Usage of the month without a price, by item and reason.
SELECT
    reason,
    offering_item,
    sku,
    storage_ownership,
    unit,
    count(DISTINCT tenant_id) AS customers,
    count(*) AS lines,
    sum(quantity) AS quantity
FROM unpriced_usage_in($month::DATE)
GROUP BY reason, offering_item, sku, storage_ownership, unit
ORDER BY customers DESC, quantity DESC, offering_item, sku, storage_ownership, unit
