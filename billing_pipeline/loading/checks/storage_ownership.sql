-- Every storage owner is known to be Acronis or a partner; fails when one is inferred for the first time.
SELECT
    format('owner {}: {}, {}', infra_owner_id, storage_ownership, reason) AS finding,
    usage_rows,
    starts_with(reason, 'inferred') AND (infra_owner_id, reason) NOT IN (
        SELECT (infra_owner_id, reason)
        FROM infrastructure_ownership
        WHERE billing_period = ($billing_period::DATE - INTERVAL 1 MONTH)::DATE AND account = $account
    ) AS is_failure
FROM infrastructure_ownership
WHERE billing_period = $billing_period AND account = $account

UNION ALL

SELECT
    'level all_customers lists no partners: storage owned by sub-partners is attributed to Acronis',
    count(*),
    true
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND $report_level = 'all_customers'
    AND infra_owner_id IS NOT NULL
HAVING count(DISTINCT infra_owner_id) FILTER (infra_owner_id <> root_tenant_id) > 1

ORDER BY is_failure DESC, usage_rows DESC, finding
