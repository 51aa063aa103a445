-- The report that is replaced by this load.
SELECT report_id::VARCHAR
FROM loaded_report
WHERE billing_period = $billing_period AND account = $account
