-- No item is sold to a customer below what it costs us.
SELECT
    concat(
        coalesce(tenant_name, tenant_id::VARCHAR), ': ', quantity, ' ', unit, ' of ',
        coalesce(sku || ' (' || offering_item || ')', offering_item),
        coalesce(' on storage of ' || storage_ownership, ''),
        ' sold for ', amount, ' ', currency, ', cost ', round(cost, 2)::DECIMAL(38, 2), ' ', currency
    ) AS finding,
    1 AS lines
FROM margin_in($month::DATE)
WHERE margin < 0
ORDER BY margin, finding
