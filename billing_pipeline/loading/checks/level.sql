-- All rows are of the requested level. The root tenant's own rows belong to every level, partners to all_customers.
SELECT
    format('rows of kind {} in a report of level {}', kind, $report_level) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM (
    SELECT kind_of_tenant(tenant_kind) AS kind
    FROM usage
    WHERE billing_period = $billing_period AND account = $account AND tenant_id <> root_tenant_id
)
WHERE
    ($report_level = 'direct_partners' AND kind = 'unit')
    OR ($report_level = 'all_customers' AND kind NOT IN ('partner', 'customer'))
    OR ($report_level = 'all_partners' AND kind <> 'partner')
GROUP BY kind

UNION ALL

SELECT
    'level all_partners lists nested partners without their hierarchy, so the month has no billable usage',
    count(*),
    true
FROM usage
WHERE billing_period = $billing_period AND account = $account AND $report_level = 'all_partners'
HAVING count(*) > 0
