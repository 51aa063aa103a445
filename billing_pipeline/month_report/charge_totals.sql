-- Revenue, cost and margin of the month and of the month before, by currency. The margin is that of the charges whose cost
-- is known.
SELECT *, amount_of_known_cost - cost AS margin
FROM (
    SELECT
        charge_period = $month AS is_now,
        currency,
        count(*) AS lines,
        count(DISTINCT tenant_id) AS customers,
        sum(amount) AS amount,
        coalesce(sum(amount) FILTER (cost IS NOT NULL), 0) AS amount_of_known_cost,
        CASE WHEN bool_or(line_kind = 'usage' AND cost IS NOT NULL) THEN rounded_money(sum(cost), minor_unit) END AS cost
    FROM comparable_charge
    JOIN iso_currency USING (currency)
    GROUP BY charge_period, currency, minor_unit
)
ORDER BY currency
