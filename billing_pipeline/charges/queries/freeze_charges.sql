-- Freezes all charges of a closed month of which nothing was invoiced, on the invoices of a month.
INSERT INTO invoice_line BY NAME
SELECT
    $billing_period AS billing_period,
    CASE WHEN charge_period = $billing_period THEN 'charge' ELSE 'recharge' END AS entry,
    *,
    $closed_at AS closed_at
FROM charge_with_origin_in($month::DATE)
