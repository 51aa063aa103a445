-- The demo's three largest customers of a month, by what they owe.
SELECT tenant_name, count(*) AS lines, sum(amount) AS amount, currency
FROM charge_in($month::DATE)
GROUP BY tenant_id, tenant_name, currency
ORDER BY amount DESC
LIMIT 3
