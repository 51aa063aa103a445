-- Closing of a period: when, by whom and why; no row if it is open.
SELECT closed_at, closed_by, note
FROM closed_period
WHERE billing_period = $billing_period
