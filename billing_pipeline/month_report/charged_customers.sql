-- The customers with the largest charges of the month in each currency, then all others and all customers together.
WITH customer AS (
    SELECT
        currency,
        minor_unit,
        max(tenant_name) AS tenant_name,
        count(*) AS lines,
        sum(amount) AS amount,
        coalesce(sum(amount) FILTER (cost IS NOT NULL), 0) AS amount_of_known_cost,
        sum(cost) AS cost,
        row_number() OVER (PARTITION BY currency ORDER BY sum(amount) DESC, max(tenant_name), tenant_id) AS place
    FROM comparable_charge
    JOIN iso_currency USING (currency)
    WHERE charge_period = $month
    GROUP BY currency, minor_unit, tenant_id
)

SELECT
    currency,
    CASE WHEN shown IS NULL THEN 'all' WHEN count(*) > 1 THEN 'others' ELSE 'customer' END AS row_kind,
    count(*) AS customers,
    any_value(tenant_name) AS tenant_name,
    sum(lines)::BIGINT AS lines,
    sum(amount) AS amount,
    sum(amount_of_known_cost) AS amount_of_known_cost,
    rounded_money(sum(cost), minor_unit) AS cost,
    sum(amount_of_known_cost) - rounded_money(sum(cost), minor_unit) AS margin
FROM (SELECT *, least(place, $shown + 1) AS shown FROM customer)
GROUP BY GROUPING SETS ((currency, minor_unit, shown), (currency, minor_unit))
ORDER BY currency, shown NULLS LAST
