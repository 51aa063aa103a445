-- How much does each tenant store at the end of a month, where, and how fast does it grow?
--
-- GiB of production plus trial; `storage_ownership` is NULL for local storage, which is on the customer's premises,
-- and for notary storage.
CREATE OR REPLACE VIEW storage_growth AS
WITH both_months AS (
    SELECT *, quantity_total AS now, 0 AS before, true AS is_now
    FROM billable_usage
    WHERE unit = 'GiB'
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (month_after) REPLACE (month_after AS billing_period),
        0 AS now,
        quantity_total AS before,
        false AS is_now
    FROM comparable_usage
    WHERE unit = 'GiB'
)

SELECT
    billing_period,
    account,
    root_tenant_id,
    tenant_id,
    coalesce(max(tenant_name) FILTER (is_now), max(tenant_name)) AS tenant_name,
    offering_item,
    storage_ownership,
    sum(now)::DECIMAL(38, 10) AS gib,
    (CASE WHEN month_before_is_known THEN sum(before) END)::DECIMAL(38, 10) AS gib_before,
    (CASE WHEN month_before_is_known THEN sum(now) - sum(before) END)::DECIMAL(38, 10) AS growth,
    CASE WHEN month_before_is_known THEN percent_change(sum(before), sum(now)) END AS growth_percent
FROM (
    SELECT
        *,
        (account, (billing_period - INTERVAL 1 MONTH)::DATE) IN (SELECT account, billing_period FROM loaded_report)
            AS month_before_is_known
    FROM both_months
)
WHERE (account, billing_period) IN (SELECT account, billing_period FROM loaded_report)
GROUP BY
    billing_period, account, root_tenant_id, tenant_id, offering_item, storage_ownership, month_before_is_known;
