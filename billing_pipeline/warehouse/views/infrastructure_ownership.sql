-- Whose is each storage: Acronis' own, or a partner's, who is not charged by Acronis for its space?
--
-- This is the one home of the rule. The report names the tenant that owns an infrastructure, but not what kind of tenant
-- that is. It is judged by the report alone, so that the same report always gives the same answer:
--   1. a tenant that the report is about, or that it lists, is a partner;
--   2. an owner that it does not list may still be a partner further down, whose usage is within the rows of the partner
--      above it. Such storage serves nobody but that one row's tenant, which is a partner or a folder, while the storage
--      of Acronis, above everybody, serves several, or a customer directly. (Only where Acronis can be told by that.)
--   3. every other owner is above all of the report's tenants: Acronis. (A report of level all_customers lists no
--      partners, so storage of partners further down passes for Acronis' there.)
-- An infrastructure that names no owner is Acronis'.
CREATE OR REPLACE VIEW infrastructure_ownership AS
WITH owner AS (
    SELECT
        billing_period,
        account,
        root_tenant_id,
        infra_owner_id,
        count(DISTINCT tenant_id) AS tenants,
        min(tenant_id) = max(tenant_id) AND bool_and(coalesce(tenant_kind IN ('partner', 'folder'), false))
            AS serves_one_partner,
        count(DISTINCT infra_id) AS infrastructures,
        count(*) AS usage_rows
    FROM usage
    WHERE infra_owner_id IS NOT NULL
    GROUP BY ALL
),

listed AS (
    SELECT DISTINCT billing_period, account, root_tenant_id, tenant_id AS infra_owner_id FROM usage
),

judged AS (
    SELECT
        owner.*,
        listed.infra_owner_id IS NOT NULL OR owner.infra_owner_id = owner.root_tenant_id AS known_partner,
        NOT known_partner AND serves_one_partner AS perhaps_further_down
    FROM owner
    LEFT JOIN listed USING (billing_period, account, root_tenant_id, infra_owner_id)
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
        WHEN infra_owner_id = root_tenant_id THEN 'the tenant that the report is about'
        WHEN known_partner THEN 'a tenant of the report'
        WHEN perhaps_further_down AND acronis_is_elsewhere THEN 'inferred: serves only one partner of the report'
        WHEN perhaps_further_down THEN 'inferred: nothing in the report tells it from Acronis'
        ELSE 'above all tenants of the report'
    END AS reason,
    infrastructures,
    tenants,
    usage_rows
FROM (
    SELECT
        *,
        bool_or(NOT known_partner AND NOT perhaps_further_down)
            OVER (PARTITION BY billing_period, account, root_tenant_id) AS acronis_is_elsewhere
    FROM judged
);
