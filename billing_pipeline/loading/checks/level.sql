-- All rows are of the requested level, so that no partner's row is added to its customers' rows.
SELECT
    format('the report''s root tenant is among its own children: {}', max(tenant_name)) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND $report_level NOT IN ('itself', 'accounts', 'all_partners')
    AND tenant_id = root_tenant_id
HAVING count(*) > 0

UNION ALL

SELECT format('rows of kind {} in a report of level {}', tenant_kind, $report_level), count(*), true
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND (
        ($report_level = 'direct_partners' AND tenant_kind = 'unit')
        OR ($report_level = 'all_customers' AND tenant_kind <> 'customer')
        OR ($report_level = 'all_partners' AND tenant_kind NOT IN ('partner', 'root'))
    )
GROUP BY tenant_kind

UNION ALL

SELECT
    'level all_partners lists nested partners without their hierarchy, so the month has no billable usage',
    count(*),
    true
FROM usage
WHERE billing_period = $billing_period AND account = $account AND $report_level = 'all_partners'
HAVING count(*) > 0
