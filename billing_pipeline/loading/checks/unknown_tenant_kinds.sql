-- Every tenant kind is known: root, partner, folder, customer, unit.
SELECT
    format('{}: {} tenants, such as {}', coalesce(tenant_kind, 'no kind'), count(DISTINCT tenant_id), min(tenant_id))
        AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND coalesce(kind_of_tenant(tenant_kind), '') NOT IN ('root', 'partner', 'folder', 'customer', 'unit')
GROUP BY tenant_kind
ORDER BY usage_rows DESC
