-- Closed months that were loaded again since the closing before that of a month.
SELECT DISTINCT billing_period
FROM loaded_report
JOIN closed_period USING (billing_period)
WHERE
    billing_period <> $billing_period
    AND loaded_at > (
        SELECT max(acted_at) FROM period_closing WHERE action = 'closed' AND billing_period <> $billing_period
    )
ORDER BY billing_period
