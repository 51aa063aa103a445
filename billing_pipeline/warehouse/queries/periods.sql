-- Last attempt and last load of each period and account.
SELECT
    billing_period,
    account,
    last(outcome ORDER BY recorded_at) AS last_outcome,
    last(reason ORDER BY recorded_at) AS last_reason,
    max(recorded_at) AS last_attempt_at,
    (last(report_id ORDER BY recorded_at) FILTER (outcome = 'loaded'))::VARCHAR AS report_id,
    last(row_count ORDER BY recorded_at) FILTER (outcome = 'loaded') AS row_count,
    last(control_totals ORDER BY recorded_at) FILTER (outcome = 'loaded') AS control_totals,
    max(recorded_at) FILTER (outcome = 'loaded') AS loaded_at,
    last(restated_keys ORDER BY recorded_at) FILTER (outcome = 'loaded') AS restated_keys,
    last(forced ORDER BY recorded_at) FILTER (outcome = 'loaded') AS forced,
    any_value(closed_at) AS closed_at
FROM load_history
LEFT JOIN closed_period USING (billing_period)
GROUP BY billing_period, account
ORDER BY billing_period, account
