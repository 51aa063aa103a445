-- The month and up to twelve before it: tenants with usage, storage by ownership, and compute points.
SELECT
    billing_period,
    sum(tenants)::BIGINT AS tenants,
    sum(acronis_gib) AS acronis_gib,
    sum(partner_gib) AS partner_gib,
    sum(local_gib) AS local_gib,
    sum(compute_points) AS compute_points
FROM month_totals
WHERE billing_period BETWEEN ($month::DATE - INTERVAL 12 MONTH)::DATE AND $month
GROUP BY billing_period
ORDER BY billing_period
