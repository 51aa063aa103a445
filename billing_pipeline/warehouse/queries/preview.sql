-- The ten largest tenants of a month, as a preview: storage and compute points of production, and their usage rows.
-- Follows `billable_usage`, and reads only what it shows.
SELECT
    max(tenant_name) AS tenant,
    max(tenant_kind) AS kind,
    round(
        gib(
            coalesce(
                sum(
                    CASE
                        WHEN is_billed_by_delta(is_range, measurement_unit, delta_items) THEN delta_production
                        ELSE absolute_production
                    END
                ) FILTER (measurement_unit = 'bytes'),
                0
            )
        ),
        2
    ) AS gib,
    coalesce(sum(dr_compute_points_production), 0) AS compute_points,
    count(*) AS usage_rows
FROM usage
JOIN loaded_report USING (billing_period, account)
WHERE
    billing_period = $billing_period
    AND account = $account
    AND billing_exclusion(usage, report_level, report_kind, delta_items) IS NULL
GROUP BY tenant_id
ORDER BY gib DESC, compute_points DESC, tenant, tenant_id
LIMIT 10
