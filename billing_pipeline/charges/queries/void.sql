-- Voids the invoice lines of a month.
UPDATE invoice_line
SET voided_at = $now
WHERE billing_period = $billing_period AND voided_at IS NULL
