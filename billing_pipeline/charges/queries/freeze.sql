-- Freezes what a closed month's charges differ by from what was invoiced of them, on the invoices of a month.
INSERT INTO invoice_line BY NAME
SELECT
    $billing_period AS billing_period,
    CASE
        WHEN
            charge_period = $billing_period
            AND NOT EXISTS (FROM invoice_line WHERE charge_period = $month AND voided_at IS NULL)
            THEN 'charge'
        ELSE entry
    END AS entry,
    correction_due.* EXCLUDE (entry),
    $closed_at AS closed_at
FROM correction_due_in($month::DATE) AS correction_due
ORDER BY tenant_id, line_kind DESC, offering_item, sku, storage_ownership, unit, from_quantity, entry DESC
