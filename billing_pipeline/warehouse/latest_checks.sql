-- The results of each period's last checked load, those that object first.
SELECT billing_period, check_name, severity, passed, finding_rows, detail, findings
FROM latest_load_checks
ORDER BY billing_period, passed, severity, check_name
