-- The checks of each load, and their findings.
CREATE TABLE IF NOT EXISTS load_checks (
    billing_period DATE NOT NULL,
    report_id UUID,
    check_name VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL,
    severity VARCHAR NOT NULL,
    finding_rows BIGINT NOT NULL,
    detail VARCHAR NOT NULL,
    findings JSON NOT NULL,
    published BOOLEAN NOT NULL,
    checked_at TIMESTAMPTZ NOT NULL,
    account VARCHAR NOT NULL
);

COMMENT ON TABLE load_checks IS 'One row for each check of each load, published or stopped';
COMMENT ON COLUMN load_checks.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN load_checks.check_name IS 'Name of the check';
COMMENT ON COLUMN load_checks.severity IS 'stop (a load that fails it is not published) or warn';
COMMENT ON COLUMN load_checks.finding_rows IS 'Usage rows that fail the check';
COMMENT ON COLUMN load_checks.detail IS 'The findings as one line';
COMMENT ON COLUMN load_checks.findings IS 'The first findings: [{finding, usage_rows, is_failure}]';
COMMENT ON COLUMN load_checks.published IS 'Whether the load was published';
COMMENT ON COLUMN load_checks.account IS 'API client, by its name in the settings';
