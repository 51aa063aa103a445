-- Which report does each period's usage come from, and what was requested?
CREATE OR REPLACE VIEW loaded_report AS
SELECT
    billing_period,
    account,
    last(root_tenant_id ORDER BY recorded_at) AS root_tenant_id,
    last(report_id ORDER BY recorded_at) AS report_id,
    last(report_kind ORDER BY recorded_at) AS report_kind,
    last(report_level ORDER BY recorded_at) AS report_level,
    coalesce(last(delta_items ORDER BY recorded_at), 'accumulating') AS delta_items,
    last(row_count ORDER BY recorded_at) AS row_count,
    last(restated_keys ORDER BY recorded_at) AS restated_keys,
    last(forced ORDER BY recorded_at) AS forced,
    count(*) AS times_loaded,
    max(recorded_at) AS loaded_at
FROM load_history
WHERE outcome = 'loaded'
GROUP BY billing_period, account;
