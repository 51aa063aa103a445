-- How much of each SKU was used in a month, over all tenants?
--
-- Usage without a SKU has one row per offering item, so that sums are complete. `tenants` counts tenants with a
-- `quantity` other than 0: tenants with trial usage only are not billed, and not counted.
CREATE OR REPLACE VIEW sku_totals AS
SELECT
    billing_period,
    account,
    root_tenant_id,
    sku,
    CASE WHEN sku IS NULL THEN offering_item END AS offering_item_without_sku,
    storage_ownership,
    unit,
    sum(quantity)::DECIMAL(38, 10) AS quantity,
    sum(quantity_trial)::DECIMAL(38, 10) AS quantity_trial,
    sum(quantity_total)::DECIMAL(38, 10) AS quantity_total,
    count(DISTINCT tenant_id) FILTER (quantity <> 0) AS tenants,
    list(DISTINCT offering_item ORDER BY offering_item) AS offering_items
FROM billable_usage
GROUP BY billing_period, account, root_tenant_id, sku, offering_item_without_sku, storage_ownership, unit;
