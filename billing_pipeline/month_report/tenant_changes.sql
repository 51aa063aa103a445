-- New, lost and renamed tenants.
SELECT change, tenant_kind, name_before, name
FROM tenant_changes
WHERE billing_period = $month
ORDER BY change, coalesce(name, name_before), tenant_id
