-- Restatements: one row for each key that changed, appeared or vanished when a period was loaded again.
CREATE TABLE IF NOT EXISTS usage_restatement (
    billing_period DATE NOT NULL,
    account VARCHAR NOT NULL,
    restated_at TIMESTAMPTZ NOT NULL,
    change VARCHAR NOT NULL,
    report_id_before UUID,
    report_id_after UUID,
    usage_date DATE NOT NULL,
    tenant_id UUID NOT NULL,
    tenant_name VARCHAR,
    application_id UUID,
    offering_item VARCHAR NOT NULL,
    edition VARCHAR,
    infra_id UUID,
    sku VARCHAR,
    billing_model VARCHAR,
    storage_type VARCHAR,
    pricing_tier_id VARCHAR,
    other_fields VARCHAR,
    measurement_unit VARCHAR NOT NULL,
    is_range BOOLEAN NOT NULL,
    before JSON,
    after JSON
);

COMMENT ON TABLE usage_restatement IS 'Keys that differed when a billing period was loaded again';
COMMENT ON COLUMN usage_restatement.account IS 'API client, by its name in the settings';
COMMENT ON COLUMN usage_restatement.restated_at IS 'Time of the later load';
COMMENT ON COLUMN usage_restatement.change IS 'changed (measures, quota, money, names or owners), new (only in the later report) or vanished (only in the earlier one)';
COMMENT ON COLUMN usage_restatement.report_id_before IS 'Report of the earlier load';
COMMENT ON COLUMN usage_restatement.report_id_after IS 'Report of the later load';
COMMENT ON COLUMN usage_restatement.tenant_name IS 'Name in the later report, or in the earlier one if the key vanished';
COMMENT ON COLUMN usage_restatement.other_fields IS 'Unknown fields that are a part of the row''s key, as JSON: [[name, value], …]';
COMMENT ON COLUMN usage_restatement.before IS 'The row before, by column name, each value as text: (before->>''absolute_total'')::DECIMAL(28, 6); NULL if the key is new';
COMMENT ON COLUMN usage_restatement.after IS 'The row after, likewise; NULL if the key vanished';
