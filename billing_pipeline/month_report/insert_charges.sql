-- Adds a month's charges: of a closed month as they were invoiced, of an open one as they are now.
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
    known_cost(line_kind, cost, cost_currency, currency) AS cost
FROM (
    {lines}
)
