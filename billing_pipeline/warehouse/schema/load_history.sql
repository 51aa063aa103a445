-- Audit trail: one row for each attempt to load a period, with request, wait, totals and outcome.
CREATE TABLE IF NOT EXISTS load_history (
    billing_period DATE NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR,
    root_tenant_id UUID,
    report_id UUID,
    report_format VARCHAR,
    stored_report_id UUID,
    requested_report_ids UUID[],
    stored_report_statuses JSON,
    requested_at TIMESTAMPTZ,
    ready_at TIMESTAMPTZ,
    wait_seconds DECIMAL(18, 3),
    raw_bytes BIGINT,
    raw_sha256 VARCHAR,
    row_count BIGINT,
    control_totals JSON,
    load_seconds DECIMAL(18, 3),
    run_id VARCHAR,
    report_kind VARCHAR,
    report_level VARCHAR,
    delta_items VARCHAR,
    forced BOOLEAN NOT NULL,
    restated_keys BIGINT,
    recorded_at TIMESTAMPTZ NOT NULL,
    account VARCHAR NOT NULL
);

-- For a warehouse that an earlier version made.
ALTER TABLE load_history ADD COLUMN IF NOT EXISTS delta_items VARCHAR;

COMMENT ON TABLE load_history IS 'One row for each attempt to load a billing period';
COMMENT ON COLUMN load_history.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN load_history.outcome IS 'loaded, refused (the report''s content cannot be trusted) or failed';
COMMENT ON COLUMN load_history.reason IS 'Why it was not loaded';
COMMENT ON COLUMN load_history.report_format IS 'The file that the rows are from: json_v2_0, or csv_v2_0 if the layout of json_v2_0 is unknown';
COMMENT ON COLUMN load_history.requested_report_ids IS 'Every report requested for this attempt, oldest first';
COMMENT ON COLUMN load_history.stored_report_statuses IS 'Last status seen of each stored report, by format';
COMMENT ON COLUMN load_history.wait_seconds IS 'Seconds from the request to the readiness of the report';
COMMENT ON COLUMN load_history.raw_bytes IS 'Size of the raw report, decompressed';
COMMENT ON COLUMN load_history.raw_sha256 IS 'SHA-256 of the raw report, decompressed';
COMMENT ON COLUMN load_history.control_totals IS 'Exact sum of each measure by measurement unit';
COMMENT ON COLUMN load_history.load_seconds IS 'Seconds from the start of reading the raw report to the commit';
COMMENT ON COLUMN load_history.run_id IS 'Dagster run';
COMMENT ON COLUMN load_history.report_kind IS 'Requested kind of report';
COMMENT ON COLUMN load_history.report_level IS 'Requested level of report';
COMMENT ON COLUMN load_history.delta_items IS 'BILLING_DELTA_ITEMS of the load: which items are billed by delta, accumulating or compute_points; NULL counts as accumulating';
COMMENT ON COLUMN load_history.forced IS 'Loaded with run --force, which overrides a closed period and an unexpectedly empty report';
COMMENT ON COLUMN load_history.restated_keys IS 'Keys that differ from the load before (usage_restatement); NULL for a first load';
COMMENT ON COLUMN load_history.account IS 'API client, by its name in the settings';
