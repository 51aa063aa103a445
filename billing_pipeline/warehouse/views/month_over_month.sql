-- What changed for each tenant and item since the month before?
--
-- A month is compared only if the account's month before is loaded. A key that is missing in one of them counts as 0.
CREATE OR REPLACE VIEW month_over_month AS
WITH both_months AS (
    SELECT *, quantity AS now, 0 AS before, true AS is_now
    FROM billable_usage
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (month_after) REPLACE (month_after AS billing_period),
        0 AS now,
        quantity AS before,
        false AS is_now
    FROM comparable_usage
)

SELECT
    billing_period,
    account,
    root_tenant_id,
    tenant_id,
    coalesce(max(tenant_name) FILTER (is_now), max(tenant_name)) AS tenant_name,
    offering_item,
    edition,
    sku,
    storage_ownership,
    unit,
    sum(before)::DECIMAL(38, 10) AS quantity_before,
    sum(now)::DECIMAL(38, 10) AS quantity,
    (sum(now) - sum(before))::DECIMAL(38, 10) AS change,
    percent_change(sum(before), sum(now)) AS change_percent,
    CASE
        WHEN sum(before) = 0 AND sum(now) <> 0 THEN 'new'
        WHEN sum(before) <> 0 AND sum(now) = 0 THEN 'gone'
        WHEN sum(now) > sum(before) THEN 'more'
        WHEN sum(now) < sum(before) THEN 'less'
        ELSE 'same'
    END AS movement
FROM both_months
WHERE
    (account, billing_period) IN (SELECT account, billing_period FROM loaded_report)
    AND (account, (billing_period - INTERVAL 1 MONTH)::DATE) IN (SELECT account, billing_period FROM loaded_report)
GROUP BY ALL;
