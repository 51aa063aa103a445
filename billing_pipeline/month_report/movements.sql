-- The largest changes of each unit since the month before.
-- Names are joined afterwards: a name for each changed line would take as long as all sums. Sorting all lines would, too.
WITH changed AS (
    SELECT tenant_id, offering_item, sku, storage_ownership, unit, quantity_before, quantity, change, change_percent, movement
    FROM month_over_month
    WHERE billing_period = $month AND movement <> 'same'
),

largest AS (
    SELECT changed.*
    FROM changed
    JOIN (SELECT unit, list_min(max(abs(change), $shown)) AS smallest FROM changed GROUP BY unit) USING (unit)
    WHERE abs(change) >= smallest
    QUALIFY row_number() OVER (PARTITION BY unit ORDER BY abs(change) DESC, tenant_id, offering_item) <= $shown
),

tenant AS (
    SELECT tenant_id, coalesce(max(tenant_name) FILTER (billing_period = $month), max(tenant_name)) AS tenant_name
    FROM comparable_usage
    GROUP BY tenant_id
)

SELECT tenant_name, offering_item, sku, storage_ownership, unit, quantity_before, quantity, change, change_percent, movement
FROM largest
JOIN tenant USING (tenant_id)
ORDER BY unit, abs(change) DESC, tenant_name, offering_item
