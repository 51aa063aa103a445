-- How a period's usage differed when it was loaded again: one row for each key that changed, appeared or vanished.
CREATE TABLE IF NOT EXISTS usage_restatement (
    billing_period DATE NOT NULL,
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
    measurement_unit VARCHAR NOT NULL,
    is_range BOOLEAN NOT NULL,
    absolute_production_before DECIMAL(38, 0),
    absolute_production_after DECIMAL(38, 0),
    absolute_trial_before DECIMAL(38, 0),
    absolute_trial_after DECIMAL(38, 0),
    absolute_total_before DECIMAL(38, 0),
    absolute_total_after DECIMAL(38, 0),
    delta_production_before DECIMAL(38, 0),
    delta_production_after DECIMAL(38, 0),
    delta_trial_before DECIMAL(38, 0),
    delta_trial_after DECIMAL(38, 0),
    delta_total_before DECIMAL(38, 0),
    delta_total_after DECIMAL(38, 0),
    effective_production_before DECIMAL(38, 0),
    effective_production_after DECIMAL(38, 0),
    effective_trial_before DECIMAL(38, 0),
    effective_trial_after DECIMAL(38, 0),
    effective_total_before DECIMAL(38, 0),
    effective_total_after DECIMAL(38, 0)
);

COMMENT ON TABLE usage_restatement IS 'What differed when a billing period was loaded again';
COMMENT ON COLUMN usage_restatement.change IS 'changed, new (only in the later report) or vanished (only in the earlier one)';
COMMENT ON COLUMN usage_restatement.restated_at IS 'When the later report was loaded';
COMMENT ON COLUMN usage_restatement.report_id_before IS 'Report that was loaded before';
COMMENT ON COLUMN usage_restatement.report_id_after IS 'Report that replaced it';
COMMENT ON COLUMN usage_restatement.tenant_name IS 'Name in the later report, or in the earlier one if the key vanished';
