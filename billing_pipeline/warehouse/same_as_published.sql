-- Whether the period's keys, measures, money and owners are those that are published: the same sum over a hash of
-- each row.
SELECT (
    SELECT (count(*), sum(hash(
        usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku, measurement_unit, is_range,
        absolute_production, absolute_trial, absolute_total,
        delta_production, delta_trial, delta_total,
        effective_production, effective_trial, effective_total,
        tenant_name, tenant_kind, customer_id, infra_owner_id,
        quota, pricing_mode, pricing_currency, price, total_cost
    )::HUGEINT))
    FROM published.usage
    WHERE billing_period = $billing_period AND account = $account
) IS NOT DISTINCT FROM (
    SELECT (count(*), sum(hash(
        usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku, measurement_unit, is_range,
        absolute_production, absolute_trial, absolute_total,
        delta_production, delta_trial, delta_total,
        effective_production, effective_trial, effective_total,
        tenant_name, tenant_kind, customer_id, infra_owner_id,
        quota, pricing_mode, pricing_currency, price, total_cost
    )::HUGEINT))
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
)
