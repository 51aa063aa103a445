-- Adds period and provenance (report ids, load time, account) to the rows of the raw file.
INSERT INTO usage BY NAME
SELECT
    $billing_period AS billing_period,
    $period_start AS period_start,
    $period_end AS period_end,
    report_rows.*,
    $root_tenant_id::UUID AS root_tenant_id,
    $report_id::UUID AS report_id,
    $stored_report_id::UUID AS stored_report_id,
    $loaded_at AS loaded_at,
    $account AS account
FROM ({select_rows}) AS report_rows
