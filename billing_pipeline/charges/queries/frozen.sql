-- What one closing froze: lines, customers and amount by month of the usage and currency.
SELECT
    charge_period,
    entry = 'charge' AS is_charge,
    currency,
    count(*) AS lines,
    count(DISTINCT tenant_id) AS customers,
    sum(amount)::DECIMAL(18, 2) AS amount
FROM invoice_line
WHERE closed_at = $closed_at
GROUP BY charge_period, is_charge, currency
ORDER BY is_charge DESC, charge_period, currency
