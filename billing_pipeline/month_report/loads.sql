-- The loaded report of each account.
SELECT
    account,
    root_tenant_id::VARCHAR AS root_tenant_id,
    report_id::VARCHAR AS report_id,
    report_level,
    row_count,
    times_loaded,
    forced,
    loaded_at,
    closed_at,
    note AS closing_note,
    (account, ($month::DATE - INTERVAL 1 MONTH)::DATE) IN (SELECT account, billing_period FROM loaded_report)
        AS has_month_before,
    list_sort(list(account) OVER ()) IS NOT DISTINCT FROM (
        SELECT list(account ORDER BY account)
        FROM loaded_report
        WHERE billing_period = ($month::DATE - INTERVAL 1 MONTH)::DATE
    ) AS same_accounts_before
FROM loaded_report
LEFT JOIN closed_period USING (billing_period)
WHERE billing_period = $month
ORDER BY account
