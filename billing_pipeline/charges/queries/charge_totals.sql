-- What a month's charges come to, by currency. Cost and margin are those of the lines whose cost is known.
SELECT
    currency,
    count(*) AS lines,
    count(DISTINCT tenant_id) AS customers,
    sum(amount)::DECIMAL(38, 2) AS amount,
    round(sum(cost) FILTER (cost_currency = currency), 2)::DECIMAL(38, 2) AS cost,
    round(sum(amount - cost) FILTER (cost_currency = currency), 2)::DECIMAL(38, 2) AS margin
FROM charge_in($month::DATE)
GROUP BY currency
ORDER BY currency
