-- The time of a month's closing for its invoice lines. Monotonic: if the clock was set back, it is a microsecond after the
-- last line.
SELECT greatest(closed_at, (SELECT max(closed_at) + INTERVAL 1 MICROSECOND FROM invoice_line))
FROM closed_period
WHERE billing_period = $billing_period
