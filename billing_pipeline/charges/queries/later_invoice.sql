-- The month that was invoiced after a month, if there is one: its lines may correct those of the month.
SELECT max(billing_period)
FROM invoice_line
WHERE
    voided_at IS NULL
    AND billing_period <> $billing_period
    AND closed_at > (
        SELECT min(closed_at) FROM invoice_line WHERE voided_at IS NULL AND billing_period = $billing_period
    )
