-- Check results of each period's last load, failures first.
SELECT billing_period, account, check_name, severity, passed, finding_rows, detail, findings
FROM latest_load_checks
ORDER BY billing_period, account, passed, severity, check_name
