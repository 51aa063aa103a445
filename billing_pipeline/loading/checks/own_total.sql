-- The billed usage of each item adds up to the report's own rows: the rows of its root tenant, which total all others.
--
-- More is billed if a partner's or folder's row is billed beside those of the tenants below it, less if a tenant is
-- missing. Seconds are compared, not compute points, which are rounded row by row. Only listed, because the root
-- tenant's own figure may differ legitimately: items that count tenants, which include its direct children, and, in
-- reports of kind usage_current, what accumulates over each child's own billing period.
WITH amount AS (
    SELECT
        tenant_id = root_tenant_id AS is_own,
        billing_exclusion(tenant_id, root_tenant_id, tenant_kind, $report_level, is_counted => true) AS exclusion,
        offering_item,
        measurement_unit,
        is_billed_by_delta(is_range, measurement_unit, $delta_items) AS accumulates,
        if(accumulates, delta_production, absolute_production) AS production,
        if(accumulates, delta_trial, absolute_trial) AS trial
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND $report_level NOT IN ('itself', 'all_partners')
        AND counts_on_its_day(is_range, measurement_unit, usage_date, period_end, $report_kind, $delta_items)
),

compared AS (
    SELECT
        offering_item,
        measurement_unit,
        coalesce(sum(production) FILTER (exclusion IS NULL), 0) AS billed,
        coalesce(sum(trial) FILTER (exclusion IS NULL), 0) AS billed_trial,
        coalesce(sum(production) FILTER (is_own), 0) AS own,
        coalesce(sum(trial) FILTER (is_own), 0) AS own_trial,
        count_if(exclusion IS NULL) AS billed_rows,
        NOT regexp_full_match(offering_item, '(reseller|euc|euc_with_local_backup)_count')
        AND NOT ($report_kind = 'usage_current' AND bool_or(accumulates)) AS is_exact
    FROM amount
    GROUP BY offering_item, measurement_unit
)

SELECT
    format(
        '{} ({}): {} production and {} trial billed, {} and {} in the own rows of the report''s tenant',
        offering_item, measurement_unit, as_text(billed), as_text(billed_trial), as_text(own), as_text(own_trial)
    ) AS finding,
    billed_rows AS usage_rows,
    is_exact AS is_failure
FROM compared
WHERE (SELECT bool_or(is_own) FROM amount) AND (billed <> own OR billed_trial <> own_trial)

UNION ALL

SELECT 'not compared: the report has no rows of its own tenant', count(*), false
FROM amount
HAVING count(*) > 0 AND NOT bool_or(is_own)

ORDER BY is_failure DESC, finding
