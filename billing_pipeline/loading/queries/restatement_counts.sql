-- How many keys of a period differed when it was loaded again at a certain time.
SELECT change, count(*)
FROM usage_restatement
WHERE billing_period = $billing_period AND account = $account AND restated_at = $restated_at
GROUP BY change
