-- The report that an account's usage of a period came from before this load.
SELECT report_id::VARCHAR
FROM loaded_report
WHERE billing_period = $billing_period AND account = $account
