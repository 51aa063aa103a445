-- The largest changes of a customer's amount since the month before in each currency, then all others and all together: by
-- price, by quantity and by the minimum. The price's effect is its change times the quantity of now. The quantity's is the
-- rest, with new and lost lines and the rounding of amounts.
-- Names are joined afterwards: a name for each line would take as long as all sums.
WITH line AS (
    SELECT
        currency,
        minor_unit,
        tenant_id,
        line_kind,
        coalesce(sum(amount) FILTER (charge_period < $month), 0) AS before,
        coalesce(sum(amount) FILTER (charge_period = $month), 0) AS now,
        sum(quantity) FILTER (charge_period = $month)
        * (max(unit_price) FILTER (charge_period = $month) - max(unit_price) FILTER (charge_period < $month))
            AS by_price
    FROM comparable_charge
    JOIN iso_currency USING (currency)
    WHERE
        account IS NULL OR account IN (
            SELECT account FROM loaded_report WHERE billing_period = ($month::DATE - INTERVAL 1 MONTH)::DATE
        )
    GROUP BY
        currency, minor_unit, account, tenant_id, line_kind, offering_item, sku, storage_ownership, unit, from_quantity
),

tenant AS (
    SELECT tenant_id, max(tenant_name) AS tenant_name
    FROM comparable_charge
    GROUP BY tenant_id
),

customer AS (
    SELECT
        currency,
        max(tenant_name) AS tenant_name,
        sum(before) AS before,
        sum(now) AS now,
        sum(now - before) AS change,
        coalesce(rounded_money(sum(by_price) FILTER (line_kind = 'usage'), minor_unit), 0) AS by_price,
        coalesce(sum(now - before) FILTER (line_kind = 'minimum'), 0) AS by_minimum,
        row_number() OVER (PARTITION BY currency ORDER BY abs(sum(now - before)) DESC, max(tenant_name), tenant_id) AS place
    FROM line
    JOIN tenant USING (tenant_id)
    GROUP BY currency, minor_unit, tenant_id
    HAVING change <> 0
)

SELECT
    currency,
    CASE WHEN shown IS NULL THEN 'all' WHEN count(*) > 1 THEN 'others' ELSE 'customer' END AS row_kind,
    count(*) AS customers,
    any_value(tenant_name) AS tenant_name,
    sum(before) AS before,
    sum(now) AS now,
    sum(change) AS change,
    sum(by_price) AS by_price,
    sum(change) - sum(by_price) - sum(by_minimum) AS by_quantity,
    sum(by_minimum) AS by_minimum
FROM (SELECT *, least(place, $shown + 1) AS shown FROM customer)
GROUP BY GROUPING SETS ((currency, shown), (currency))
ORDER BY currency, shown NULLS LAST
