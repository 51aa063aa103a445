-- Billable rows have SKUs; fails if an item lost its SKU since the month before, or none has one for the first time.
WITH billable AS (
    SELECT offering_item, sku IS NULL AS is_without_sku
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND counts_on_its_day(is_range, measurement_unit, usage_date, period_end, $report_kind, $delta_items)
        AND billing_exclusion(tenant_id, root_tenant_id, tenant_kind, $report_level, is_counted => true) IS NULL
        AND if(is_billed_by_delta(is_range, measurement_unit, $delta_items), delta_total, absolute_total) <> 0
),

share AS (
    SELECT offering_item, count(*) AS billable_rows, count_if(is_without_sku) AS without_sku
    FROM billable
    GROUP BY offering_item
),

had_sku AS (
    SELECT DISTINCT offering_item
    FROM usage
    WHERE
        billing_period = ($billing_period::DATE - INTERVAL 1 MONTH)::DATE
        AND account = $account
        AND sku IS NOT NULL
)

SELECT
    format(
        '{}: {} of {} billable rows ({}%) have no SKU{}',
        offering_item, without_sku, billable_rows, round(100.0 * without_sku / billable_rows, 1),
        if(lost, '; all had one the month before', '')
    ) AS finding,
    without_sku AS usage_rows,
    lost AS is_failure
FROM (
    SELECT *, without_sku = billable_rows AND offering_item IN (FROM had_sku) AS lost
    FROM share
    WHERE without_sku > 0
)

UNION ALL

SELECT
    'no billable row has a SKU: Acronis sends none, or ACRONIS_SHOW_SKUS is off',
    sum(billable_rows)::BIGINT,
    EXISTS (FROM had_sku)
    OR NOT EXISTS (
        FROM usage WHERE billing_period = ($billing_period::DATE - INTERVAL 1 MONTH)::DATE AND account = $account
    )
FROM share
HAVING sum(without_sku) = sum(billable_rows)

ORDER BY is_failure DESC, usage_rows DESC, finding
