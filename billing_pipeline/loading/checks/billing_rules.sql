-- Every row is billed or excluded by a named rule, so that no tenant's usage is loaded but not billed.
--
-- At levels all_customers and accounts the tenant's kind decides. Rows of a kind that no rule names are the failures;
-- all other rows are listed by rule, and together they are all rows of the month.
WITH judged AS (
    SELECT
        coalesce(
            billing_exclusion(
                tenant_id,
                root_tenant_id,
                tenant_kind,
                $report_level,
                counts_on_its_day(is_range, measurement_unit, usage_date, period_end, $report_kind, $delta_items)
            ),
            'billed'
        ) AS rule,
        CASE WHEN rule = 'unknown kind of tenant' THEN tenant_kind END AS unknown_kind,
        tenant_id,
        tenant_name
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
)

SELECT
    CASE rule
        WHEN 'unknown kind of tenant'
            THEN
                format(
                    'neither billed nor excluded: {} rows of {} tenants of kind {} in a report of level {}, such as {} ({})',
                    count(*), count(DISTINCT tenant_id), coalesce('''' || unknown_kind || '''', 'null'), $report_level,
                    min(tenant_id), coalesce(arg_min(tenant_name, tenant_id), 'no name')
                )
        ELSE format('{}: {} rows', rule, count(*))
    END AS finding,
    count(*) AS usage_rows,
    rule = 'unknown kind of tenant' AS is_failure
FROM judged
GROUP BY rule, unknown_kind
ORDER BY is_failure DESC, usage_rows DESC, finding
