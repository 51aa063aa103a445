-- The demo's summary of each loaded month.
SELECT
    billing_period,
    count(*) AS row_count,
    count(DISTINCT tenant_id) AS tenants,
    count(DISTINCT sku) AS skus,
    sum(absolute_total) FILTER (measurement_unit = 'bytes') AS bytes,
    coalesce(sum(dr_compute_points_total), 0) AS compute_points
FROM usage
GROUP BY billing_period
ORDER BY billing_period
