-- What a closed month still owes or is owed, by currency.
SELECT charge_period, currency, count(*) AS lines, sum(amount)::DECIMAL(38, 2) AS amount
FROM correction_due_in($month::DATE)
GROUP BY charge_period, currency
ORDER BY currency
