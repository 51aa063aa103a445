-- Control totals of one period in the table: row count and exact sums.
SELECT
    measurement_unit,
    count(*) AS row_count,
    sum(absolute_production)::VARCHAR AS absolute_production,
    sum(absolute_trial)::VARCHAR AS absolute_trial,
    sum(absolute_total)::VARCHAR AS absolute_total,
    sum(delta_production)::VARCHAR AS delta_production,
    sum(delta_trial)::VARCHAR AS delta_trial,
    sum(delta_total)::VARCHAR AS delta_total,
    sum(effective_production)::VARCHAR AS effective_production,
    sum(effective_trial)::VARCHAR AS effective_trial,
    sum(effective_total)::VARCHAR AS effective_total
FROM usage
WHERE billing_period = $billing_period AND account = $account
GROUP BY ALL
