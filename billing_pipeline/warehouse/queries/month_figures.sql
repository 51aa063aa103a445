-- What is billed in a month for an account, as Dagster plots it by month; no row without billable usage.
SELECT
    tenants AS tenants_with_usage,
    round(acronis_gib, 2) AS acronis_gib,
    round(partner_gib, 2) AS partner_gib,
    round(local_gib, 2) AS local_gib,
    compute_points
FROM month_totals
WHERE billing_period = $billing_period AND account = $account
