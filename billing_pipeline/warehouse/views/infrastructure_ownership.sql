-- Who owns each storage: Acronis, or a partner, whom Acronis does not charge for its space?
--
-- The single definition of ownership. A report names the tenant that owns an infrastructure, but not that tenant's kind.
-- The kind is inferred from this report alone, so the same report always gives the same answer. The root tenant's own
-- rows, which contain all others, say nothing about who uses a storage:
--   1. the report's root tenant, and every tenant that it lists, is a partner;
--   2. an owner that is not listed may be a sub-partner, whose usage is part of its parent partner's row. Its storage
--      serves only that one tenant, a partner or folder, whereas Acronis' storage serves several tenants, or a customer
--      directly. Applies only if the report has an owner that is certainly Acronis;
--   3. every other owner is above all tenants of the report: Acronis. Where a report of level all_customers lists
--      no partners, storage of sub-partners is attributed to Acronis.
-- An infrastructure without an owner is Acronis'.
CREATE OR REPLACE VIEW infrastructure_ownership AS
WITH owner AS (
    SELECT
        billing_period,
        month_after,
        account,
        root_tenant_id,
        infra_owner_id,
        -- Not count(DISTINCT …): DuckDB makes a join of each, overestimates its rows, and then holds all usage of the
        -- month in memory where a view joins this one.
        len(list_distinct(list(tenant_id))) AS tenants,
        coalesce(
            min(tenant_id) FILTER (tenant_id <> root_tenant_id) = max(tenant_id) FILTER (tenant_id <> root_tenant_id)
            AND bool_and(coalesce(tenant_kind IN ('partner', 'folder'), false)) FILTER (tenant_id <> root_tenant_id),
            bool_and(coalesce(tenant_kind IN ('partner', 'folder'), false))
        ) AS serves_one_partner,
        len(list_distinct(list(infra_id))) AS infrastructures,
        count(*) AS usage_rows
    FROM usage
    JOIN calendar_month USING (billing_period)
    WHERE infra_owner_id IS NOT NULL
    GROUP BY ALL
),

listed AS (
    SELECT DISTINCT billing_period, month_after, account, root_tenant_id, tenant_id AS infra_owner_id
    FROM usage
    JOIN calendar_month USING (billing_period)
),

judged AS (
    SELECT
        owner.*,
        listed.infra_owner_id IS NOT NULL OR owner.infra_owner_id = owner.root_tenant_id AS known_partner,
        NOT known_partner AND serves_one_partner AS perhaps_further_down
    FROM owner
    LEFT JOIN listed USING (billing_period, month_after, account, root_tenant_id, infra_owner_id)
)

SELECT
    billing_period,
    account,
    root_tenant_id,
    infra_owner_id,
    CASE
        WHEN known_partner THEN 'partner'
        WHEN perhaps_further_down AND acronis_is_elsewhere THEN 'partner'
        ELSE 'acronis'
    END AS storage_ownership,
    CASE
        WHEN infra_owner_id = root_tenant_id THEN 'root tenant of the report'
        WHEN known_partner THEN 'a tenant of the report'
        WHEN perhaps_further_down AND acronis_is_elsewhere THEN 'inferred: serves only one partner of the report'
        WHEN perhaps_further_down THEN 'inferred: indistinguishable from Acronis in this report'
        ELSE 'above all tenants of the report'
    END AS reason,
    infrastructures,
    tenants,
    usage_rows,
    month_after
FROM (
    SELECT
        *,
        bool_or(NOT known_partner AND NOT perhaps_further_down)
            OVER (PARTITION BY billing_period, month_after, account, root_tenant_id) AS acronis_is_elsewhere
    FROM judged
);
