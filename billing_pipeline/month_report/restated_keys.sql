-- Restated keys: latest restatement first, then largest difference.
SELECT
    restated_at,
    change,
    tenant_name,
    offering_item,
    sku,
    measurement_unit,
    (before->>if(is_range, 'delta_production', 'absolute_production'))::DECIMAL(38, 0) AS before,
    (after->>if(is_range, 'delta_production', 'absolute_production'))::DECIMAL(38, 0) AS after
FROM usage_restatement
WHERE billing_period = $month
ORDER BY
    restated_at DESC,
    abs(
        coalesce((usage_restatement.after->>if(is_range, 'delta_total', 'absolute_total'))::DECIMAL(38, 0), 0)
        - coalesce((usage_restatement.before->>if(is_range, 'delta_total', 'absolute_total'))::DECIMAL(38, 0), 0)
    ) DESC,
    tenant_id,
    offering_item
LIMIT 50
