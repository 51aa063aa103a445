-- Totals by tenant in the month; place 1 is the largest.
CREATE TEMP TABLE customer_total AS
SELECT
    tenant_id,
    max(tenant_name) AS tenant_name,
    max(tenant_kind) AS tenant_kind,
    max(customer_id) AS customer_id,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis'), 0) AS acronis_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'partner'), 0) AS partner_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND offering_item = 'local_storage'), 0) AS local_gib,
    coalesce(sum(quantity) FILTER (unit = 'compute points'), 0) AS compute_points,
    count(DISTINCT offering_item) FILTER (quantity <> 0) AS items,
    count(*) FILTER (quantity_trial <> 0) > 0 AS has_trial,
    row_number() OVER (
        ORDER BY acronis_gib DESC, partner_gib DESC, local_gib DESC, compute_points DESC, max(tenant_name), tenant_id
    ) AS place
FROM billable_usage
WHERE billing_period = $month
GROUP BY tenant_id
