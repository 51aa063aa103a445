-- What a month's charges come to, by currency. Cost and margin are those of the lines whose cost is known.
SELECT currency, lines, customers, amount, cost, (amount_of_known_cost - cost)::DECIMAL(38, 2) AS margin
FROM (
    SELECT
        currency,
        count(*) AS lines,
        count(DISTINCT tenant_id) AS customers,
        sum(amount)::DECIMAL(38, 2) AS amount,
        sum(amount) FILTER (charge_cost IS NOT NULL) AS amount_of_known_cost,
        CASE WHEN bool_or(cost_currency = currency) THEN rounded_money(sum(charge_cost), minor_unit) END::DECIMAL(38, 2)
            AS cost
    FROM (
        SELECT *, known_cost(line_kind, cost, cost_currency, currency) AS charge_cost
        FROM charge_in($month::DATE)
    )
    JOIN iso_currency USING (currency)
    GROUP BY currency, minor_unit
)
ORDER BY currency
