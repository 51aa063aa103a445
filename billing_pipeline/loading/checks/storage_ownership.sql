-- No storage owner changed between Acronis and partner since the month before, which would change its price.
--
-- How each owner was recognised is listed. Fails, too, in the first month in which a report of level all_customers lists
-- no partners although several tenants own storage: that of sub-partners is then attributed to Acronis.
WITH owner AS (
    SELECT
        infra_owner_id,
        billing_period = $billing_period AS is_now,
        storage_ownership,
        reason,
        usage_rows
    FROM infrastructure_ownership
    WHERE
        account = $account
        AND billing_period IN ($billing_period, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
),

month AS (
    SELECT
        billing_period = $billing_period AS is_now,
        NOT bool_or(tenant_id <> root_tenant_id AND kind_of_tenant(tenant_kind) IN ('partner', 'folder'))
        AND count(DISTINCT infra_owner_id) FILTER (infra_owner_id <> root_tenant_id) > 1 AS hides_sub_partners,
        count(*) FILTER (infra_owner_id IS NOT NULL) AS usage_rows
    FROM usage
    WHERE
        account = $account
        AND billing_period IN ($billing_period, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
    GROUP BY is_now
)

SELECT
    format(
        'owner {}: {}, {}{}', now.infra_owner_id, now.storage_ownership, now.reason,
        if(now.storage_ownership <> before.storage_ownership, '; the month before ' || before.storage_ownership, '')
    ) AS finding,
    now.usage_rows,
    coalesce(now.storage_ownership <> before.storage_ownership, false) AS is_failure
FROM (FROM owner WHERE is_now) AS now
LEFT JOIN (FROM owner WHERE NOT is_now) AS before USING (infra_owner_id)

UNION ALL

SELECT
    'the report lists no partners: storage owned by sub-partners is attributed to Acronis',
    usage_rows,
    NOT coalesce((SELECT hides_sub_partners FROM month WHERE NOT is_now), false)
FROM month
WHERE is_now AND hides_sub_partners AND $report_level = 'all_customers'

ORDER BY is_failure DESC, usage_rows DESC, finding
