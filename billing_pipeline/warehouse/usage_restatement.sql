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
    effective_total_after DECIMAL(38, 0),
    tenant_name_before VARCHAR,
    tenant_name_after VARCHAR,
    tenant_kind_before VARCHAR,
    tenant_kind_after VARCHAR,
    customer_id_before VARCHAR,
    customer_id_after VARCHAR,
    infra_owner_id_before UUID,
    infra_owner_id_after UUID,
    pricing_mode_before VARCHAR,
    pricing_mode_after VARCHAR,
    pricing_currency_before VARCHAR,
    pricing_currency_after VARCHAR,
    quota_before DECIMAL(38, 6),
    quota_after DECIMAL(38, 6),
    price_before DECIMAL(38, 12),
    price_after DECIMAL(38, 12),
    total_cost_before DECIMAL(38, 12),
    total_cost_after DECIMAL(38, 12),
    account VARCHAR NOT NULL
);

-- A file of an earlier version has the table without them.
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS tenant_name_before VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS tenant_name_after VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS tenant_kind_before VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS tenant_kind_after VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS customer_id_before VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS customer_id_after VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS infra_owner_id_before UUID;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS infra_owner_id_after UUID;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS pricing_mode_before VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS pricing_mode_after VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS pricing_currency_before VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS pricing_currency_after VARCHAR;
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS quota_before DECIMAL(38, 6);
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS quota_after DECIMAL(38, 6);
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS price_before DECIMAL(38, 12);
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS price_after DECIMAL(38, 12);
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS total_cost_before DECIMAL(38, 12);
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS total_cost_after DECIMAL(38, 12);
ALTER TABLE usage_restatement ADD COLUMN IF NOT EXISTS account VARCHAR DEFAULT 'default';

COMMENT ON TABLE usage_restatement IS 'What differed when a billing period was loaded again';
COMMENT ON COLUMN usage_restatement.change IS 'changed (measures, quota, money, names or owners), new (only in the later report) or vanished (only in the earlier one)';
COMMENT ON COLUMN usage_restatement.restated_at IS 'When the later report was loaded';
COMMENT ON COLUMN usage_restatement.report_id_before IS 'Report that was loaded before';
COMMENT ON COLUMN usage_restatement.report_id_after IS 'Report that replaced it';
COMMENT ON COLUMN usage_restatement.tenant_name IS 'Name in the later report, or in the earlier one if the key vanished';
COMMENT ON COLUMN usage_restatement.account IS 'API client, by its name in the settings';
