-- Each tenant's lines: quantity, trial, change since the month before, and charges. As many of the largest tenants as have
-- $lines lines together.
WITH entry AS (
    SELECT
        tenant_id,
        offering_item,
        sku,
        storage_ownership,
        unit,
        CASE WHEN billing_period = $month THEN quantity END AS quantity,
        CASE WHEN billing_period = $month THEN quantity_trial END AS trial,
        CASE WHEN billing_period < $month THEN quantity END AS before,
        account IN (
            SELECT account FROM loaded_report WHERE billing_period = ($month::DATE - INTERVAL 1 MONTH)::DATE
        ) AS is_compared
    FROM comparable_usage
    UNION ALL BY NAME
    SELECT
        tenant_id,
        CASE WHEN line_kind = 'minimum' THEN 'minimum monthly charge' ELSE offering_item END AS offering_item,
        sku,
        storage_ownership,
        unit,
        amount,
        currency
    FROM comparable_charge
    WHERE charge_period = $month
)

SELECT
    place,
    offering_item,
    sku,
    storage_ownership,
    unit,
    coalesce(sum(quantity), 0) AS quantity,
    sum(trial) AS trial,
    CASE WHEN bool_and(is_compared) THEN sum(quantity) - coalesce(sum(before), 0) END AS change,
    sum(amount) AS amount,
    any_value(currency) AS currency
FROM entry
JOIN customer_total USING (tenant_id)
WHERE place <= $customers
GROUP BY place, offering_item, sku, storage_ownership, unit
HAVING sum(quantity) <> 0 OR sum(trial) <> 0 OR sum(before) <> 0 OR sum(amount) <> 0
-- The window ends with the last line of the tenant.
QUALIFY count(*) OVER (ORDER BY place) <= $lines
ORDER BY place, offering_item = 'minimum monthly charge', offering_item, sku, storage_ownership, unit
