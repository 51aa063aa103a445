-- The keys that differed, the latest restatement and the largest differences first.
SELECT
    restated_at,
    change,
    tenant_name,
    offering_item,
    sku,
    measurement_unit,
    if(is_range, delta_production_before, absolute_production_before) AS before,
    if(is_range, delta_production_after, absolute_production_after) AS after
FROM usage_restatement
WHERE billing_period = $month
ORDER BY
    restated_at DESC,
    abs(coalesce(if(is_range, delta_total_after, absolute_total_after), 0)
        - coalesce(if(is_range, delta_total_before, absolute_total_before), 0)) DESC,
    tenant_id,
    offering_item
LIMIT 50
