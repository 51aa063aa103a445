-- What a month's charges come to, by currency. Cost and margin are those of the lines whose cost is known; a minimum costs
-- nothing.
SELECT
    currency,
    count(*) AS lines,
    count(DISTINCT tenant_id) AS customers,
    sum(amount)::DECIMAL(38, 2) AS amount,
    round(sum(cost) FILTER (cost_currency = currency), 2)::DECIMAL(38, 2) AS cost,
    CASE
        WHEN bool_or(cost_currency = currency)
            THEN round(sum(amount - coalesce(cost, 0)) FILTER (cost_currency = currency OR line_kind = 'minimum'), 2)
    END::DECIMAL(38, 2) AS margin
FROM charge_in($month::DATE)
GROUP BY currency
ORDER BY currency
