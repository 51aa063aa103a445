-- The first rows of a period, as a preview.
SELECT
    tenant_name,
    tenant_kind,
    offering_item,
    edition,
    sku,
    measurement_unit,
    absolute_total,
    delta_total,
    dr_compute_points_total
FROM usage
WHERE billing_period = $billing_period AND account = $account
ORDER BY report_row
LIMIT 10
