-- Closed months, the latest first, with the usage rows of all later ones.
SELECT
    billing_period,
    sum(sum(row_count)) OVER (ORDER BY billing_period DESC) - sum(row_count) AS rows_of_later
FROM closed_period
JOIN loaded_report USING (billing_period)
GROUP BY billing_period
ORDER BY billing_period DESC
