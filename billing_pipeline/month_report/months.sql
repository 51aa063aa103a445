-- The month and up to twelve before it: billed tenants, storage by ownership, and compute points.
SELECT
    billing_period,
    count(DISTINCT tenant_id) FILTER (quantity_total <> 0) AS tenants,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis'), 0) AS acronis_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'partner'), 0) AS partner_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership IS NULL), 0) AS local_gib,
    coalesce(sum(quantity) FILTER (unit = 'compute points'), 0) AS compute_points
FROM billable_usage
WHERE billing_period BETWEEN ($month::DATE - INTERVAL 12 MONTH)::DATE AND $month
GROUP BY billing_period
ORDER BY billing_period
