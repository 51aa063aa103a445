-- Closed months, and whether anything of their usage was invoiced.
SELECT
    billing_period,
    billing_period IN (SELECT charge_period FROM invoice_line WHERE voided_at IS NULL) AS is_invoiced
FROM closed_period
ORDER BY billing_period
