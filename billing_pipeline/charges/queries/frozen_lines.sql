-- What is frozen of a month: its invoice lines, with each reversed line and its reversal cancelled out.
SELECT
    tenant_id,
    line_kind,
    offering_item,
    sku,
    storage_ownership,
    unit,
    from_quantity,
    sum(quantity)::DECIMAL(18, 2) AS quantity,
    unit_price,
    currency,
    sum(amount)::DECIMAL(18, 2) AS amount
FROM invoice_line
WHERE charge_period = $month::DATE
GROUP BY tenant_id, line_kind, offering_item, sku, storage_ownership, unit, from_quantity, unit_price, currency
HAVING sum(quantity) <> 0 OR sum(amount) <> 0
