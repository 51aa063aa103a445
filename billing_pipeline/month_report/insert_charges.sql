-- Adds a month's charges: of a closed month as they were invoiced, of an open one as they are now. The cost is NULL where
-- it is unknown or in another currency; a minimum costs nothing.
INSERT INTO comparable_charge
SELECT
    charge_period,
    account,
    tenant_id,
    tenant_name,
    line_kind,
    offering_item,
    sku,
    storage_ownership,
    unit,
    from_quantity,
    quantity,
    unit_price,
    currency,
    amount,
    CASE WHEN line_kind = 'minimum' THEN 0 WHEN cost_currency = currency THEN cost END AS cost
FROM (
    {lines}
)
