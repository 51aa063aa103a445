-- How many Disaster Recovery compute points did each customer use in a month?
CREATE OR REPLACE VIEW compute_points_by_customer AS
SELECT
    billing_period,
    account,
    root_tenant_id,
    tenant_id,
    max(tenant_name) AS tenant_name,
    max(tenant_kind) AS tenant_kind,
    max(customer_id) AS customer_id,
    sum(quantity)::DECIMAL(38, 2) AS compute_points,
    sum(quantity_trial)::DECIMAL(38, 2) AS compute_points_trial,
    sum(quantity_total)::DECIMAL(38, 2) AS compute_points_total
FROM billable_usage
WHERE unit = 'compute points'
GROUP BY billing_period, account, root_tenant_id, tenant_id;
