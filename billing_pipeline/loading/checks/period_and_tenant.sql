-- The report covers the requested month, to its last day, and at level itself no other tenant.
SELECT
    format('the report covers {} to {}, not the month', period_start, period_end) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND (period_start <> billing_period OR period_end <> last_day(billing_period))
GROUP BY period_start, period_end

UNION ALL

SELECT format('{} rows are of days outside the month, the first of {}', count(*), min(usage_date)), count(*), true
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND (usage_date < billing_period OR usage_date > last_day(billing_period))
HAVING count(*) > 0

UNION ALL

SELECT
    format('tenant {} ({}) is not the root tenant of this report of level itself', tenant_id, max(tenant_name)),
    count(*),
    true
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND $report_level = 'itself' AND tenant_id <> root_tenant_id
GROUP BY tenant_id
