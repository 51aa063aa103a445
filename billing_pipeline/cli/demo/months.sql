-- The demo's summary of each loaded month: the report's rows and compute points, and what is billed.
SELECT
    billing_period,
    row_count,
    reported_points,
    count(DISTINCT tenant_id) FILTER (quantity_total <> 0) AS tenants,
    count(DISTINCT sku) FILTER (quantity <> 0) AS skus,
    coalesce(sum(quantity) FILTER (unit = 'GiB'), 0) AS gib,
    coalesce(sum(quantity_trial) FILTER (unit = 'GiB'), 0) AS trial_gib,
    coalesce(sum(quantity) FILTER (unit = 'compute points'), 0) AS compute_points
FROM billable_usage
JOIN (
    SELECT
        billing_period,
        count(*) AS row_count,
        coalesce(sum(dr_compute_points_total), 0) AS reported_points
    FROM usage
    GROUP BY billing_period
) USING (billing_period)
GROUP BY ALL
ORDER BY billing_period
