-- The month has usage: at least half the rows and tenants of the month before, and half the rows of its last load.
WITH tenant AS (
    SELECT tenant_id, billing_period = $billing_period AS is_now, count(*) AS usage_rows
    FROM usage
    WHERE
        account = $account
        AND billing_period IN ($billing_period, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
    GROUP BY ALL
),

size AS (
    SELECT
        coalesce(sum(usage_rows) FILTER (is_now), 0)::BIGINT AS rows_now,
        coalesce(sum(usage_rows) FILTER (NOT is_now), 0)::BIGINT AS rows_before,
        count(*) FILTER (is_now) AS tenants_now,
        count(*) FILTER (NOT is_now) AS tenants_before
    FROM tenant
)

SELECT 'the report is empty' AS finding, 0 AS usage_rows, true AS is_failure
FROM size
WHERE rows_now = 0

UNION ALL

SELECT
    format(
        '{} rows of {} tenants; the month before {} rows of {} tenants',
        rows_now, tenants_now, rows_before, tenants_before
    ),
    rows_now,
    rows_now * 2 < rows_before OR tenants_now * 2 < tenants_before
FROM size
WHERE rows_now > 0 AND rows_before > 0

UNION ALL

SELECT format('{} rows; {} when the month was loaded before', rows_now, row_count), rows_now, true
FROM size
JOIN loaded_report ON billing_period = $billing_period AND account = $account
WHERE rows_now > 0 AND rows_now * 2 < row_count
