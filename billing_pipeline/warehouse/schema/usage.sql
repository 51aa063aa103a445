-- One row for each usage row of a report; a load replaces an account's whole billing period.
-- The single definition of the table's columns, their types and their meaning.
CREATE TABLE IF NOT EXISTS usage (
    billing_period DATE NOT NULL,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    usage_date DATE NOT NULL,
    tenant_id UUID NOT NULL,
    tenant_name VARCHAR,
    tenant_kind VARCHAR,
    customer_id VARCHAR,
    application_id UUID,
    application_name VARCHAR,
    offering_item VARCHAR NOT NULL,
    edition VARCHAR,
    sku VARCHAR,
    billing_model VARCHAR,
    storage_type VARCHAR,
    pricing_tier_id VARCHAR,
    measurement_unit VARCHAR NOT NULL,
    is_range BOOLEAN NOT NULL,
    infra_id UUID,
    infra_name VARCHAR,
    infra_backend_type VARCHAR,
    infra_owner_id UUID,
    quota DECIMAL(38, 6),
    pricing_mode VARCHAR,
    pricing_currency VARCHAR,
    price DECIMAL(38, 12),
    total_cost DECIMAL(38, 12),
    absolute_production DECIMAL(28, 6) NOT NULL,
    absolute_trial DECIMAL(28, 6) NOT NULL,
    absolute_total DECIMAL(28, 6) NOT NULL,
    delta_production DECIMAL(28, 6) NOT NULL,
    delta_trial DECIMAL(28, 6) NOT NULL,
    delta_total DECIMAL(28, 6) NOT NULL,
    effective_production DECIMAL(28, 6),
    effective_trial DECIMAL(28, 6),
    effective_total DECIMAL(28, 6),
    dr_compute_points_production DECIMAL(18, 2),
    dr_compute_points_trial DECIMAL(18, 2),
    dr_compute_points_total DECIMAL(18, 2),
    extra JSON,
    root_tenant_id UUID NOT NULL,
    report_id UUID NOT NULL,
    stored_report_id UUID NOT NULL,
    report_row INTEGER NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL,
    account VARCHAR NOT NULL
);

COMMENT ON TABLE usage IS 'Acronis usage, one row for each usage row of a report; a load replaces an account''s whole billing period';
COMMENT ON COLUMN usage.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN usage.period_start IS 'First day that the report covers, as reported';
COMMENT ON COLUMN usage.period_end IS 'Last day that the report covers, inclusive, as reported';
COMMENT ON COLUMN usage.usage_date IS 'Day that the values refer to';
COMMENT ON COLUMN usage.tenant_id IS 'Tenant that the usage belongs to; the key to use, because names change';
COMMENT ON COLUMN usage.tenant_name IS 'Latest name of the tenant in the period';
COMMENT ON COLUMN usage.tenant_kind IS 'root, partner, folder, customer or unit; never add rows of different levels';
COMMENT ON COLUMN usage.customer_id IS 'The partner''s own customer number';
COMMENT ON COLUMN usage.application_id IS 'Service';
COMMENT ON COLUMN usage.application_name IS 'Service type, such as backup or files_cloud';
COMMENT ON COLUMN usage.offering_item IS 'Offering item, with its edition prefix';
COMMENT ON COLUMN usage.edition IS 'Edition of the offering item';
COMMENT ON COLUMN usage.sku IS 'SKU; NULL when the report gives none';
COMMENT ON COLUMN usage.billing_model IS 'Billing model of the SKU; NULL when the report gives none';
COMMENT ON COLUMN usage.storage_type IS 'Storage type of the SKU; NULL when the report gives none';
COMMENT ON COLUMN usage.pricing_tier_id IS 'Pricing tier of the SKU; NULL when the report gives none';
COMMENT ON COLUMN usage.measurement_unit IS 'bytes, seconds or quantity: the unit of the absolute, delta and effective columns';
COMMENT ON COLUMN usage.is_range IS 'True for items that accumulate over the period, such as compute points';
COMMENT ON COLUMN usage.infra_id IS 'Storage or Disaster Recovery infrastructure; a tenant has one row for each, to be summed';
COMMENT ON COLUMN usage.infra_name IS 'Name of the infrastructure';
COMMENT ON COLUMN usage.infra_backend_type IS 'Kind of the storage backend';
COMMENT ON COLUMN usage.infra_owner_id IS 'Tenant that owns the infrastructure: Acronis'' platform or a partner';
COMMENT ON COLUMN usage.quota IS 'Quota in the row''s unit; NULL is unlimited';
COMMENT ON COLUMN usage.pricing_mode IS 'trial, production or suspended';
COMMENT ON COLUMN usage.pricing_currency IS 'Currency of price and total_cost';
COMMENT ON COLUMN usage.price IS 'Price of one unit';
COMMENT ON COLUMN usage.total_cost IS 'Cost as reported';
COMMENT ON COLUMN usage.absolute_production IS 'Level at the end of the period, production';
COMMENT ON COLUMN usage.absolute_trial IS 'Level at the end of the period, trial';
COMMENT ON COLUMN usage.absolute_total IS 'Level at the end of the period, production and trial';
COMMENT ON COLUMN usage.delta_production IS 'Change over the period, production; may be negative';
COMMENT ON COLUMN usage.delta_trial IS 'Change over the period, trial; may be negative';
COMMENT ON COLUMN usage.delta_total IS 'Change over the period, production and trial; may be negative';
COMMENT ON COLUMN usage.effective_production IS 'Effective usage as Acronis reports it, production';
COMMENT ON COLUMN usage.effective_trial IS 'Effective usage as Acronis reports it, trial';
COMMENT ON COLUMN usage.effective_total IS 'Effective usage as Acronis reports it, production and trial';
COMMENT ON COLUMN usage.dr_compute_points_production IS 'delta_production of a row in seconds, divided by 3600, rounded half away from zero to 2 decimals';
COMMENT ON COLUMN usage.dr_compute_points_trial IS 'delta_trial of a row in seconds, divided by 3600, rounded half away from zero to 2 decimals';
COMMENT ON COLUMN usage.dr_compute_points_total IS 'delta_total of a row in seconds, divided by 3600, rounded half away from zero to 2 decimals';
COMMENT ON COLUMN usage.extra IS 'Fields of the row that have no column, by dotted name; includes nulls of json_v2_0, but not empty cells of csv_v2_0';
COMMENT ON COLUMN usage.root_tenant_id IS 'Root tenant of the report';
COMMENT ON COLUMN usage.report_id IS 'Report that the row came from';
COMMENT ON COLUMN usage.stored_report_id IS 'Stored report (the file) that the row came from';
COMMENT ON COLUMN usage.report_row IS 'Position of the row in the file, from 1';
COMMENT ON COLUMN usage.loaded_at IS 'Time of the load';
COMMENT ON COLUMN usage.account IS 'API client that the report was requested with, by its name in the settings';
