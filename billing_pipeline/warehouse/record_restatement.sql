-- Keeps what differs between the period as published and as it is now. Rows are compared by hashes first, so that a
-- month that did not change costs little, and only keys that differ are looked at whole.
INSERT INTO usage_restatement BY NAME
WITH either_row AS (
    SELECT -1 AS side, * FROM published.usage WHERE billing_period = $billing_period AND account = $account
    UNION ALL BY NAME
    SELECT 1 AS side, * FROM usage WHERE billing_period = $billing_period AND account = $account
),

hashed AS (
    SELECT
        *,
        hash(
            usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku, measurement_unit, is_range
        ) AS natural_key,
        side * hash(
            absolute_production, absolute_trial, absolute_total,
            delta_production, delta_trial, delta_total,
            effective_production, effective_trial, effective_total,
            tenant_name, tenant_kind, customer_id, infra_owner_id,
            quota, pricing_mode, pricing_currency, price, total_cost
        )::HUGEINT AS content
    FROM either_row
),

differing AS (
    SELECT natural_key
    FROM hashed
    GROUP BY natural_key
    HAVING sum(content) <> 0 OR sum(side) <> 0
),

total AS (
    SELECT
        side,
        usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku, measurement_unit, is_range,
        max(tenant_name) AS tenant_name,
        sum(absolute_production) AS absolute_production,
        sum(absolute_trial) AS absolute_trial,
        sum(absolute_total) AS absolute_total,
        sum(delta_production) AS delta_production,
        sum(delta_trial) AS delta_trial,
        sum(delta_total) AS delta_total,
        sum(effective_production) AS effective_production,
        sum(effective_trial) AS effective_trial,
        sum(effective_total) AS effective_total,
        max(tenant_kind) AS tenant_kind,
        max(customer_id) AS customer_id,
        max(infra_owner_id) AS infra_owner_id,
        max(pricing_mode) AS pricing_mode,
        max(pricing_currency) AS pricing_currency,
        max(quota) AS quota,
        max(price) AS price,
        sum(total_cost) AS total_cost
    FROM hashed
    SEMI JOIN differing USING (natural_key)
    GROUP BY
        side, usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku, measurement_unit, is_range
)

SELECT
    $billing_period AS billing_period,
    $account AS account,
    $restated_at AS restated_at,
    CASE WHEN before.tenant_id IS NULL THEN 'new' WHEN after.tenant_id IS NULL THEN 'vanished' ELSE 'changed' END AS change,
    $report_id_before::UUID AS report_id_before,
    $report_id_after::UUID AS report_id_after,
    coalesce(after.usage_date, before.usage_date) AS usage_date,
    coalesce(after.tenant_id, before.tenant_id) AS tenant_id,
    coalesce(after.tenant_name, before.tenant_name) AS tenant_name,
    coalesce(after.application_id, before.application_id) AS application_id,
    coalesce(after.offering_item, before.offering_item) AS offering_item,
    coalesce(after.edition, before.edition) AS edition,
    coalesce(after.infra_id, before.infra_id) AS infra_id,
    coalesce(after.sku, before.sku) AS sku,
    coalesce(after.measurement_unit, before.measurement_unit) AS measurement_unit,
    coalesce(after.is_range, before.is_range) AS is_range,
    before.absolute_production AS absolute_production_before,
    after.absolute_production AS absolute_production_after,
    before.absolute_trial AS absolute_trial_before,
    after.absolute_trial AS absolute_trial_after,
    before.absolute_total AS absolute_total_before,
    after.absolute_total AS absolute_total_after,
    before.delta_production AS delta_production_before,
    after.delta_production AS delta_production_after,
    before.delta_trial AS delta_trial_before,
    after.delta_trial AS delta_trial_after,
    before.delta_total AS delta_total_before,
    after.delta_total AS delta_total_after,
    before.effective_production AS effective_production_before,
    after.effective_production AS effective_production_after,
    before.effective_trial AS effective_trial_before,
    after.effective_trial AS effective_trial_after,
    before.effective_total AS effective_total_before,
    after.effective_total AS effective_total_after,
    before.tenant_name AS tenant_name_before,
    after.tenant_name AS tenant_name_after,
    before.tenant_kind AS tenant_kind_before,
    after.tenant_kind AS tenant_kind_after,
    before.customer_id AS customer_id_before,
    after.customer_id AS customer_id_after,
    before.infra_owner_id AS infra_owner_id_before,
    after.infra_owner_id AS infra_owner_id_after,
    before.pricing_mode AS pricing_mode_before,
    after.pricing_mode AS pricing_mode_after,
    before.pricing_currency AS pricing_currency_before,
    after.pricing_currency AS pricing_currency_after,
    before.quota AS quota_before,
    after.quota AS quota_after,
    before.price AS price_before,
    after.price AS price_after,
    before.total_cost AS total_cost_before,
    after.total_cost AS total_cost_after
FROM (FROM total WHERE side < 0) AS before
FULL JOIN (FROM total WHERE side > 0) AS after
    ON before.usage_date = after.usage_date
    AND before.tenant_id = after.tenant_id
    AND before.application_id IS NOT DISTINCT FROM after.application_id
    AND before.offering_item = after.offering_item
    AND before.edition IS NOT DISTINCT FROM after.edition
    AND before.infra_id IS NOT DISTINCT FROM after.infra_id
    AND before.sku IS NOT DISTINCT FROM after.sku
    AND before.measurement_unit = after.measurement_unit
    AND before.is_range = after.is_range
