-- Every report that was ever loaded for a period: their requests are done with.
SELECT DISTINCT report_id
FROM load_history
WHERE outcome = 'loaded' AND billing_period = $billing_period
