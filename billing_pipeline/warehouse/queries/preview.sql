-- The ten largest tenants of a month, as a preview: storage and compute points of production, and their usage rows.
SELECT
    max(tenant_name) AS tenant,
    max(tenant_kind) AS kind,
    round(gib(coalesce(sum(production) FILTER (unit = 'GiB'), 0)), 2) AS gib,
    coalesce(sum(dr_compute_points_production), 0) AS compute_points,
    count(*) AS usage_rows
FROM billed_row
WHERE billing_period = $billing_period AND account = $account
GROUP BY tenant_id
ORDER BY gib DESC, compute_points DESC, tenant, tenant_id
LIMIT 10
