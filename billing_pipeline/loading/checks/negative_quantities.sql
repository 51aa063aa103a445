-- Accumulating items are not billed with negative quantities, which an invoice would show as a credit.
WITH line AS (
    SELECT
        tenant_id,
        max(tenant_name) AS tenant_name,
        offering_item,
        sku,
        measurement_unit,
        sum(delta_production) AS production,
        sum(delta_trial) AS trial,
        sum(dr_compute_points_production) AS points,
        sum(dr_compute_points_trial) AS points_trial,
        count(*) AS usage_rows
    FROM usage
    LEFT JOIN (
        SELECT billing_period, account, root_tenant_id, infra_owner_id, storage_ownership
        FROM infrastructure_ownership
    ) AS owner USING (billing_period, account, root_tenant_id, infra_owner_id)
    WHERE
        billing_period = $billing_period AND account = $account
        AND is_billed_by_delta(is_range, measurement_unit, $delta_items)
        AND billing_exclusion(tenant_id, root_tenant_id, tenant_kind, $report_level, is_counted => true) IS NULL
        -- Only lines with a negative row can be negative, and most months have none.
        AND (tenant_id, offering_item) IN (
            SELECT (tenant_id, offering_item)
            FROM usage
            WHERE
                billing_period = $billing_period AND account = $account
                AND least(delta_production, delta_trial) < 0
        )
    -- The lines of billable_usage.
    GROUP BY
        tenant_id, application_name, offering_item, edition, sku, measurement_unit,
        CASE WHEN infra_id IS NOT NULL OR infra_owner_id IS NOT NULL THEN coalesce(storage_ownership, 'acronis') END
)

SELECT
    format(
        '{} of tenant {} ({}), SKU {}: {} production, {} trial{}',
        offering_item, tenant_id, coalesce(tenant_name, 'no name'), coalesce(sku, 'none'),
        coalesce(points::VARCHAR, as_text(production)), coalesce(points_trial::VARCHAR, as_text(trial)),
        if(measurement_unit = 'seconds', ' compute points', '')
    ) AS finding,
    usage_rows,
    true AS is_failure
FROM line
WHERE least(production, trial) < 0
ORDER BY least(production, trial), finding
