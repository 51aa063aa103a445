-- One row for each attempt to load a period: what was ordered, awaited, read, and how it ended.
CREATE TABLE IF NOT EXISTS load_history (
    billing_period DATE NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR,
    root_tenant_id UUID,
    report_id UUID,
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
    forced BOOLEAN NOT NULL,
    restated_keys BIGINT,
    recorded_at TIMESTAMPTZ NOT NULL,
    account VARCHAR NOT NULL
);

COMMENT ON TABLE load_history IS 'One row for each attempt to load a billing period';
COMMENT ON COLUMN load_history.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN load_history.outcome IS 'loaded, refused (the report''s content cannot be trusted) or failed';
COMMENT ON COLUMN load_history.reason IS 'Why it was not loaded';
COMMENT ON COLUMN load_history.requested_report_ids IS 'Every report requested for this attempt, in order';
COMMENT ON COLUMN load_history.stored_report_statuses IS 'Last status seen of each stored report, by format';
COMMENT ON COLUMN load_history.wait_seconds IS 'From the request of the report to its readiness';
COMMENT ON COLUMN load_history.raw_bytes IS 'Size of the raw report, decompressed';
COMMENT ON COLUMN load_history.raw_sha256 IS 'SHA-256 of the raw report, decompressed';
COMMENT ON COLUMN load_history.control_totals IS 'Exact sum of each measure by measurement unit';
COMMENT ON COLUMN load_history.load_seconds IS 'From reading the raw report to the commit';
COMMENT ON COLUMN load_history.run_id IS 'Dagster run';
COMMENT ON COLUMN load_history.report_kind IS 'Kind of report that was ordered';
COMMENT ON COLUMN load_history.report_level IS 'Level of report that was ordered';
COMMENT ON COLUMN load_history.forced IS 'Loaded by run --force: even if the period was closed, or the report unexpectedly empty';
COMMENT ON COLUMN load_history.restated_keys IS 'Keys that differ from the load before (usage_restatement); NULL for a first load';
COMMENT ON COLUMN load_history.account IS 'API client, by its name in the settings';
