-- No item is sold to a customer below what it costs us.
--
-- Before amounts are rounded: a little usage may cost less than the cent that rounding takes away.
SELECT
    concat(
        coalesce(max(tenant_name), tenant_id::VARCHAR), ': ', sum(quantity), ' ', unit, ' of ',
        coalesce(sku || ' (' || offering_item || ')', offering_item),
        coalesce(' on storage of ' || storage_ownership, ''),
        ' sold for ', sum(amount), ' ', currency, ', cost ', round(sum(charge_cost), 2)::DECIMAL(38, 2), ' ', currency
    ) AS finding,
    1 AS lines
FROM (
    SELECT *, known_cost(line_kind, cost, cost_currency, currency) AS charge_cost
    FROM charge_in($month::DATE)
)
WHERE line_kind = 'usage'
GROUP BY account, tenant_id, offering_item, sku, storage_ownership, unit, currency
HAVING bool_and(charge_cost IS NOT NULL) AND sum(exact_amount(quantity, unit_price)) < sum(charge_cost)
ORDER BY sum(exact_amount(quantity, unit_price)) - sum(charge_cost), finding
