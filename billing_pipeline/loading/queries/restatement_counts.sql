-- Number of restated keys of one load, by kind of change.
SELECT change, count(*)
FROM usage_restatement
WHERE billing_period = $billing_period AND account = $account AND restated_at = $restated_at
GROUP BY change
