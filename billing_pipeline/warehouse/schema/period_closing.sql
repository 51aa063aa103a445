-- Every closing and reopening of a period. A closed period has been invoiced; only `run --force` loads it again.
CREATE TABLE IF NOT EXISTS period_closing (
    billing_period DATE NOT NULL,
    action VARCHAR NOT NULL,
    acted_at TIMESTAMPTZ NOT NULL,
    acted_by VARCHAR,
    note VARCHAR,
    forced BOOLEAN
);

-- For a warehouse that an earlier version made.
ALTER TABLE period_closing ADD COLUMN IF NOT EXISTS forced BOOLEAN;

COMMENT ON TABLE period_closing IS 'Every closing and reopening of a billing period';
COMMENT ON COLUMN period_closing.billing_period IS 'First day of the billed month';
COMMENT ON COLUMN period_closing.action IS 'closed, reopened, or voided (reopened, and its invoice lines voided)';
COMMENT ON COLUMN period_closing.acted_by IS 'Operating system user';
COMMENT ON COLUMN period_closing.note IS 'Reason given by that user';
COMMENT ON COLUMN period_closing.forced IS 'Closed with close --force, which overrides that usage is not loaded or has no price';
