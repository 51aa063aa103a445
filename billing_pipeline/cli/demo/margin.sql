-- The demo's margin of a month.
SELECT sum(amount) AS amount, sum(margin) AS margin, any_value(currency) AS currency
FROM margin_in($month::DATE)
