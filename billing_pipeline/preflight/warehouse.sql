-- What is loaded: months, closed months, the latest month, the time of the last load, months of another billing rule.
SELECT
    count(DISTINCT billing_period),
    (SELECT count(*) FROM closed_period),
    max(billing_period),
    max(loaded_at),
    count(DISTINCT billing_period) FILTER (delta_items <> $delta_items)
FROM loaded_report
