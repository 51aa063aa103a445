-- Tenants and rows by kind; the report's own tenant apart.
SELECT
    if(tenant_id = $root_tenant_id::UUID, 'the report''s own tenant', coalesce(tenant_kind, 'no kind')) AS kind,
    count(DISTINCT tenant_id) AS tenants,
    count(*) AS usage_rows
FROM report_rows
GROUP BY kind
ORDER BY kind
