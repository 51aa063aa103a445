-- Restatements of the month, with the number of keys by kind of change.
SELECT
    restated_at,
    any_value(report_id_before)::VARCHAR AS report_id_before,
    any_value(report_id_after)::VARCHAR AS report_id_after,
    count_if(change = 'changed') AS changed,
    count_if(change = 'new') AS new,
    count_if(change = 'vanished') AS vanished
FROM usage_restatement
WHERE billing_period = $month
GROUP BY restated_at
ORDER BY restated_at
