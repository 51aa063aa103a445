-- Totals of each loaded month and account, of the rows that `billable_usage` sums. Each load replaces those of its own month,
-- so that a trend over many months reads a row a month. GiB are rounded once, to the byte, and not line by line.
CREATE TABLE IF NOT EXISTS month_totals (
    billing_period DATE NOT NULL,
    account VARCHAR NOT NULL,
    tenants BIGINT NOT NULL,
    acronis_gib DECIMAL(38, 10) NOT NULL,
    partner_gib DECIMAL(38, 10) NOT NULL,
    local_gib DECIMAL(38, 10) NOT NULL,
    compute_points DECIMAL(38, 10) NOT NULL
);

COMMENT ON TABLE month_totals IS 'Totals of the billed rows by month and account, for trends';
COMMENT ON COLUMN month_totals.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN month_totals.account IS 'API client, by its name in the settings';
COMMENT ON COLUMN month_totals.tenants IS 'Tenants with usage, production or trial';
COMMENT ON COLUMN month_totals.acronis_gib IS 'GiB of production on Acronis'' storage';
COMMENT ON COLUMN month_totals.partner_gib IS 'GiB of production on partners'' storage';
COMMENT ON COLUMN month_totals.local_gib IS 'GiB of production on local storage';
COMMENT ON COLUMN month_totals.compute_points IS 'Disaster Recovery compute points of production';
