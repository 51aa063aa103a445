-- Which usage rows are billed, in which unit, and on whose storage?
--
-- The rules:
--   * accumulating items (is_range) count with their change, all others with their level at the end of the period. A
--     month loaded with BILLING_DELTA_ITEMS=compute_points counts only compute points with their change;
--   * seconds are Disaster Recovery compute points (divided by 3600, rounded per row), and bytes are stated as bytes, but
--     their unit is GiB;
--   * only one level is billed, because a partner's row contains its customers': the children of the report's root
--     tenant or, at levels all_customers and accounts, the customers. Level all_partners lists nested partners without
--     their hierarchy, so it has no billed rows;
--   * in a report with daily rows, the level is that of the last day.
-- The check `billing_rules` counts the rows that each rule excludes, and stops a load with rows that are neither billed
-- nor excluded.
-- `storage_ownership` is NULL for usage without an infrastructure, such as workloads, local and notary storage.
CREATE OR REPLACE VIEW billed_row AS
SELECT
    usage.*,
    month_after,
    CASE
        WHEN infra_id IS NULL AND infra_owner_id IS NULL THEN NULL
        ELSE coalesce(owner.storage_ownership, 'acronis')
    END AS storage_ownership,
    CASE measurement_unit
        WHEN 'seconds' THEN 'compute points'
        WHEN 'bytes' THEN 'GiB'
        WHEN 'quantity' THEN 'count'
        ELSE measurement_unit
    END AS unit,
    is_billed_by_delta(is_range, measurement_unit, delta_items) AS by_delta,
    CASE
        WHEN measurement_unit = 'seconds' THEN dr_compute_points_production
        WHEN by_delta THEN delta_production
        ELSE absolute_production
    END AS production,
    CASE
        WHEN measurement_unit = 'seconds' THEN dr_compute_points_trial
        WHEN by_delta THEN delta_trial
        ELSE absolute_trial
    END AS trial,
    CASE
        WHEN measurement_unit = 'seconds' THEN dr_compute_points_total
        WHEN by_delta THEN delta_total
        ELSE absolute_total
    END AS total
FROM usage
JOIN calendar_month USING (billing_period)
LEFT JOIN (
    SELECT billing_period, account, report_kind, report_level, delta_items
    FROM loaded_report
) AS requested USING (billing_period, account)
LEFT JOIN (
    SELECT billing_period, month_after, account, root_tenant_id, infra_owner_id, storage_ownership
    FROM infrastructure_ownership
) AS owner USING (billing_period, month_after, account, root_tenant_id, infra_owner_id)
-- One condition: of two, DuckDB expects fewer rows, and joins in an order that takes 120 MB more for a million rows.
WHERE
    billing_exclusion(
        tenant_id,
        root_tenant_id,
        tenant_kind,
        report_level,
        counts_on_its_day(is_range, measurement_unit, usage_date, period_end, report_kind, delta_items)
    ) IS NULL;
