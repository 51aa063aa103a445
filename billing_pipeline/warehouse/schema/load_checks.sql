-- What each load was checked for before it was published, and what was found.
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
COMMENT ON COLUMN load_checks.check_name IS 'What was checked';
COMMENT ON COLUMN load_checks.severity IS 'stop (a load that does not pass is not published) or warn';
COMMENT ON COLUMN load_checks.finding_rows IS 'Usage rows that the check objects to';
COMMENT ON COLUMN load_checks.detail IS 'What was found, in words';
COMMENT ON COLUMN load_checks.findings IS 'The first findings: [{finding, usage_rows, is_failure}]';
COMMENT ON COLUMN load_checks.published IS 'Whether the load that was checked became visible';
COMMENT ON COLUMN load_checks.account IS 'API client, by its name in the settings';
