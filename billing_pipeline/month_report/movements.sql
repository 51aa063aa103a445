-- The largest changes of each unit since the month before.
SELECT tenant_name, offering_item, sku, storage_ownership, unit, quantity_before, quantity, change, change_percent, movement
FROM month_over_month
WHERE billing_period = $month AND movement <> 'same'
QUALIFY row_number() OVER (PARTITION BY unit ORDER BY abs(change) DESC, tenant_id, offering_item) <= 12
ORDER BY unit, abs(change) DESC, tenant_name, offering_item
