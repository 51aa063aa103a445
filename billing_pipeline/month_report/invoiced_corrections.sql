-- What the month's invoices correct of months that were closed before, by month and currency.
SELECT charge_period, currency, count(*) AS lines, sum(amount) AS amount
FROM invoice_line
WHERE billing_period = $month AND voided_at IS NULL AND entry <> 'charge'
GROUP BY charge_period, currency
ORDER BY charge_period, currency
