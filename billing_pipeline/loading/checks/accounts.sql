-- No tenant is in two accounts' reports of one month, because its usage would be billed twice.
--
-- Root tenants are included: a partner's row in one account contains everything that another account reports below
-- that partner.
WITH theirs AS (
    SELECT account, tenant_id FROM usage WHERE billing_period = $billing_period AND account <> $account
    UNION
    SELECT account, root_tenant_id FROM usage WHERE billing_period = $billing_period AND account <> $account
),

ours AS (
    SELECT tenant_id FROM usage SEMI JOIN theirs USING (tenant_id)
    WHERE billing_period = $billing_period AND usage.account = $account
    UNION
    SELECT root_tenant_id FROM usage SEMI JOIN theirs ON theirs.tenant_id = root_tenant_id
    WHERE billing_period = $billing_period AND usage.account = $account
)

SELECT
    format(
        'account {} has {} of the same tenants in the month, such as {}',
        theirs.account, count(*), min(tenant_id)
    ) AS finding,
    (
        SELECT count(*)
        FROM usage
        WHERE
            billing_period = $billing_period
            AND account = $account
            AND (tenant_id IN (SELECT tenant_id FROM theirs) OR root_tenant_id IN (SELECT tenant_id FROM theirs))
    ) AS usage_rows,
    true AS is_failure
FROM ours
JOIN theirs USING (tenant_id)
GROUP BY theirs.account
ORDER BY theirs.account
