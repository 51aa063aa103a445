-- Closed months, whether anything of their usage was invoiced, and whether a customer may have prices in two currencies.
SELECT
    billing_period,
    billing_period IN (SELECT charge_period FROM invoice_line WHERE voided_at IS NULL) AS is_invoiced,
    (SELECT count(DISTINCT currency) > 1 FROM price WHERE side = 'sell') AS may_have_two_currencies
FROM closed_period
ORDER BY billing_period
