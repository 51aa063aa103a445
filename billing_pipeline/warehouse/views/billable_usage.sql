-- What is each tenant billed for in a month: how much of which offering item and SKU, on whose storage?
--
-- `quantity` is production, `quantity_trial` is trial, `quantity_total` is both. The rules:
--   * accumulating items (is_range) count with their change, all others with their level at the end of the period. A
--     month loaded with BILLING_DELTA_ITEMS=compute_points counts only compute points with their change;
--   * seconds become Disaster Recovery compute points (divided by 3600, rounded per row), bytes become GiB;
--   * a tenant's storages are summed by ownership;
--   * only one level is billed, because a partner's row contains its customers': the children of the report's root
--     tenant or, at levels all_customers and accounts, the customers. Level all_partners lists nested partners without
--     their hierarchy, so it has no billable usage;
--   * in a report with daily rows, the level is that of the last day.
-- The macro `billing_exclusion` names the rule that excludes a row; the check `billing_rules` stops a load with rows that
-- are neither billed nor excluded.
-- `storage_ownership` is NULL for usage without an infrastructure, such as workloads, local and notary storage.
-- `comparable_usage` has the same lines with the column `month_after`, for views that compare months.
CREATE OR REPLACE VIEW comparable_usage AS
WITH billed AS (
    SELECT
        usage.*,
        is_billed_by_delta(is_range, measurement_unit, delta_items) AS by_delta,
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
        END AS unit
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
    WHERE billing_exclusion(usage, report_level, report_kind, delta_items) IS NULL
),

summed AS (
    SELECT
        billing_period,
        month_after,
        account,
        root_tenant_id,
        tenant_id,
        max(tenant_name) AS tenant_name,
        max(tenant_kind) AS tenant_kind,
        max(customer_id) AS customer_id,
        application_name,
        offering_item,
        edition,
        sku,
        storage_ownership,
        unit,
        sum(CASE WHEN by_delta THEN delta_production ELSE absolute_production END) AS production,
        sum(CASE WHEN by_delta THEN delta_trial ELSE absolute_trial END) AS trial,
        sum(CASE WHEN by_delta THEN delta_total ELSE absolute_total END) AS total,
        sum(dr_compute_points_production) AS points_production,
        sum(dr_compute_points_trial) AS points_trial,
        sum(dr_compute_points_total) AS points_total,
        count(*) AS usage_rows
    FROM billed
    GROUP BY ALL
)

SELECT
    billing_period,
    account,
    root_tenant_id,
    tenant_id,
    tenant_name,
    tenant_kind,
    customer_id,
    application_name,
    offering_item,
    edition,
    sku,
    storage_ownership,
    unit,
    CASE unit
        WHEN 'compute points' THEN points_production::DECIMAL(38, 10)
        WHEN 'GiB' THEN gib(production)
        ELSE production::DECIMAL(38, 10)
    END AS quantity,
    CASE unit
        WHEN 'compute points' THEN points_trial::DECIMAL(38, 10)
        WHEN 'GiB' THEN gib(trial)
        ELSE trial::DECIMAL(38, 10)
    END AS quantity_trial,
    CASE unit
        WHEN 'compute points' THEN points_total::DECIMAL(38, 10)
        WHEN 'GiB' THEN gib(total)
        ELSE total::DECIMAL(38, 10)
    END AS quantity_total,
    usage_rows,
    month_after
FROM summed;

CREATE OR REPLACE VIEW billable_usage AS
SELECT * EXCLUDE (month_after)
FROM comparable_usage;
