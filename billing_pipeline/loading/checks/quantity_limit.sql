-- Every billed quantity is below 10^13 counts or seconds; more is an error, and its amount would have no room in a charge.
SELECT
    format(
        '{} of tenant {} ({}): {} {} in row {}',
        offering_item, tenant_id, coalesce(tenant_name, 'no name'), as_text(quantity), measurement_unit, report_row
    ) AS finding,
    1 AS usage_rows,
    true AS is_failure
FROM (
    SELECT
        *,
        if(is_billed_by_delta(is_range, measurement_unit, $delta_items), delta_production, absolute_production) AS quantity
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND measurement_unit <> 'bytes'
        AND greatest(abs(delta_production), abs(absolute_production)) >= 10000000000000
        AND billing_exclusion(tenant_id, root_tenant_id, tenant_kind, $report_level, is_counted => true) IS NULL
)
WHERE abs(quantity) >= 10000000000000
ORDER BY report_row
