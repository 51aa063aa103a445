-- Totals by SKU and unit over all accounts, with the change since the month before.
-- Not materialised, because the tenants of the month before are not shown, and counting them takes as long as all sums.
WITH by_sku AS NOT MATERIALIZED (
    SELECT
        billing_period,
        sku,
        offering_item_without_sku,
        storage_ownership,
        unit,
        sum(tenants) AS tenants,
        sum(quantity) AS quantity,
        sum(quantity_trial) AS quantity_trial,
        list_distinct(flatten(list(offering_items))) AS offering_items
    FROM sku_totals
    GROUP BY ALL
),

now AS (FROM by_sku WHERE billing_period = $month),

before AS (FROM by_sku WHERE billing_period = ($month::DATE - INTERVAL 1 MONTH)::DATE)

SELECT
    coalesce(now.sku, before.sku) AS sku,
    (
        SELECT string_agg(coalesce(friendly_name, item), ', ' ORDER BY item)
        FROM (SELECT unnest(coalesce(now.offering_items, before.offering_items)) AS item)
        LEFT JOIN offering_item ON offering_item.offering_item = item
    ) AS items,
    coalesce(now.storage_ownership, before.storage_ownership) AS storage_ownership,
    coalesce(now.unit, before.unit) AS unit,
    coalesce(now.tenants, 0) AS tenants,
    coalesce(now.quantity, 0) AS quantity,
    coalesce(now.quantity_trial, 0) AS quantity_trial,
    coalesce(now.quantity, 0) - coalesce(before.quantity, 0) AS change
FROM now
FULL JOIN before
    ON now.sku IS NOT DISTINCT FROM before.sku
    AND now.offering_item_without_sku IS NOT DISTINCT FROM before.offering_item_without_sku
    AND now.storage_ownership IS NOT DISTINCT FROM before.storage_ownership
    AND now.unit = before.unit
ORDER BY sku NULLS LAST, items, storage_ownership, unit, now.offering_item_without_sku, before.offering_item_without_sku
