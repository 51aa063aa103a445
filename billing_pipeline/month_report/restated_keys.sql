-- Restated keys: latest restatement first, then largest difference.
SELECT
    restated_at,
    change,
    tenant_name,
    offering_item,
    sku,
    measurement_unit,
    (before->>if(by_delta, 'delta_production', 'absolute_production'))::DECIMAL(38, 6) AS before,
    (after->>if(by_delta, 'delta_production', 'absolute_production'))::DECIMAL(38, 6) AS after
FROM (
    SELECT usage_restatement.*, is_billed_by_delta(is_range, measurement_unit, delta_items) AS by_delta
    FROM usage_restatement
    LEFT JOIN loaded_report USING (billing_period, account)
    WHERE billing_period = $month
) AS usage_restatement
ORDER BY
    restated_at DESC,
    abs(
        coalesce((usage_restatement.after->>if(by_delta, 'delta_total', 'absolute_total'))::DECIMAL(38, 6), 0)
        - coalesce((usage_restatement.before->>if(by_delta, 'delta_total', 'absolute_total'))::DECIMAL(38, 6), 0)
    ) DESC,
    tenant_id,
    offering_item
LIMIT 50
