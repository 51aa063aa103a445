-- Freezes what a closed month's charges differ by from what was invoiced of them, on the invoices of a month.
INSERT INTO invoice_line BY NAME
SELECT $billing_period AS billing_period, *, $closed_at AS closed_at
FROM correction_in($month::DATE)
