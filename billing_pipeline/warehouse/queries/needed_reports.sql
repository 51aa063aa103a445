-- Which raw reports do loaded rows and invoice lines come from?
SELECT billing_period, account, report_id
FROM loaded_report
WHERE report_id IS NOT NULL
UNION
SELECT charge_period, account, report_id
FROM invoice_line
WHERE report_id IS NOT NULL;
