-- Which raw reports do loaded rows come from?
SELECT billing_period, account, report_id
FROM loaded_report
WHERE report_id IS NOT NULL;
