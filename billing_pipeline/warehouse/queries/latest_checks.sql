-- Check results of a period's last load, or of each period's if $month is NULL, failures first.
SELECT billing_period, account, check_name, severity, passed, finding_rows, detail, findings
FROM latest_load_checks
WHERE $month::DATE IS NULL OR billing_period = $month
ORDER BY billing_period, account, passed, severity, check_name
