-- The ten customers with the largest amounts in a month.
SELECT max(tenant_name) AS customer, tenant_id, currency, sum(amount)::DECIMAL(38, 2) AS amount, count(*) AS lines
FROM charge_in($month::DATE)
GROUP BY tenant_id, currency
ORDER BY sum(amount) DESC, customer, tenant_id
LIMIT 10
