-- Every closing and reopening of a period: a closed one has been invoiced, and is loaded again only by force.
CREATE TABLE IF NOT EXISTS period_closing (
    billing_period DATE NOT NULL,
    action VARCHAR NOT NULL,
    acted_at TIMESTAMPTZ NOT NULL,
    acted_by VARCHAR,
    note VARCHAR
);

COMMENT ON TABLE period_closing IS 'Every closing and reopening of a billing period';
COMMENT ON COLUMN period_closing.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN period_closing.action IS 'closed or reopened';
COMMENT ON COLUMN period_closing.acted_by IS 'User of the operating system';
COMMENT ON COLUMN period_closing.note IS 'The reason that was given';
