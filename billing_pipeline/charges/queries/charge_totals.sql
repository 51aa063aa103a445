-- What a month's charges come to, by currency. Cost and margin are those of the lines whose cost is known.
SELECT
    currency,
    count(*) AS lines,
    count(DISTINCT tenant_id) AS customers,
    sum(amount)::DECIMAL(38, 2) AS amount,
    CASE WHEN bool_or(cost_currency = currency) THEN round(sum(charge_cost), 2) END::DECIMAL(38, 2) AS cost,
    CASE WHEN bool_or(cost_currency = currency) THEN round(sum(amount - charge_cost), 2) END::DECIMAL(38, 2) AS margin
FROM (
    SELECT *, known_cost(line_kind, cost, cost_currency, currency) AS charge_cost
    FROM charge_in($month::DATE)
)
GROUP BY currency
ORDER BY currency
