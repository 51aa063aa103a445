-- Which tenants are new, lost or renamed since the month before?
--
-- A tenant is active in a month in which it has any usage, production or trial. Tenants are identified by their UUID.
CREATE OR REPLACE VIEW tenant_changes AS
WITH active AS NOT MATERIALIZED (
    SELECT
        billing_period,
        month_after,
        account,
        root_tenant_id,
        tenant_id,
        max(tenant_name) AS tenant_name,
        max(tenant_kind) AS tenant_kind
    FROM comparable_usage
    WHERE quantity_total <> 0
    GROUP BY ALL
),

both_months AS (
    SELECT *, true AS is_now FROM active
    UNION ALL BY NAME
    SELECT * REPLACE (month_after AS billing_period), false AS is_now FROM active
)

SELECT
    billing_period,
    account,
    root_tenant_id,
    tenant_id,
    max(tenant_kind) AS tenant_kind,
    CASE WHEN NOT bool_or(is_now) THEN 'lost' WHEN bool_and(is_now) THEN 'new' ELSE 'renamed' END AS change,
    max(tenant_name) FILTER (NOT is_now) AS name_before,
    max(tenant_name) FILTER (is_now) AS name
FROM both_months
WHERE
    (account, billing_period) IN (SELECT account, billing_period FROM loaded_report)
    AND (account, (billing_period - INTERVAL 1 MONTH)::DATE) IN (SELECT account, billing_period FROM loaded_report)
GROUP BY billing_period, account, root_tenant_id, tenant_id
HAVING count(DISTINCT is_now) = 1 OR name IS DISTINCT FROM name_before;
