-- Frozen charges: one row for each line of an invoice. Rows are only ever added, when a month is closed; none is changed,
-- except that `reopen --void` marks the lines of an invoice that was never sent.
CREATE TABLE IF NOT EXISTS invoice_line (
    billing_period DATE NOT NULL,
    entry VARCHAR NOT NULL,
    charge_period DATE NOT NULL,
    account VARCHAR,
    tenant_id UUID NOT NULL,
    tenant_name VARCHAR,
    customer_id VARCHAR,
    line_kind VARCHAR NOT NULL,
    offering_item VARCHAR,
    sku VARCHAR,
    storage_ownership VARCHAR,
    unit VARCHAR,
    from_quantity DECIMAL(18, 2),
    quantity DECIMAL(18, 2) NOT NULL,
    list_unit_price DECIMAL(18, 6) NOT NULL,
    unit_price DECIMAL(18, 10) NOT NULL,
    currency VARCHAR NOT NULL,
    amount DECIMAL(18, 2) NOT NULL,
    cost DECIMAL(38, 12),
    cost_currency VARCHAR,
    description VARCHAR,
    price_list VARCHAR NOT NULL,
    price_row INTEGER,
    report_id UUID,
    price_sha256 VARCHAR,
    closed_at TIMESTAMPTZ NOT NULL,
    voided_at TIMESTAMPTZ
);

-- For a warehouse that an earlier version made.
ALTER TABLE invoice_line ADD COLUMN IF NOT EXISTS voided_at TIMESTAMPTZ;

COMMENT ON TABLE invoice_line IS 'Charges frozen when a month was closed; rows are only ever added. Lines that count have no voided_at';
COMMENT ON COLUMN invoice_line.billing_period IS 'First day of the month in which the line is invoiced';
COMMENT ON COLUMN invoice_line.entry IS 'charge, or the correction of an earlier closed month: reversal and recharge';
COMMENT ON COLUMN invoice_line.charge_period IS 'First day of the month of the usage';
COMMENT ON COLUMN invoice_line.account IS 'API client, by its name in the settings; NULL for a minimum without usage';
COMMENT ON COLUMN invoice_line.tenant_id IS 'Customer';
COMMENT ON COLUMN invoice_line.tenant_name IS 'Name of the customer in that month';
COMMENT ON COLUMN invoice_line.customer_id IS 'The partner''s own customer number';
COMMENT ON COLUMN invoice_line.line_kind IS 'usage, or minimum: the difference to the customer''s minimum monthly charge';
COMMENT ON COLUMN invoice_line.from_quantity IS 'The price tier: the line is the part of the quantity above this';
COMMENT ON COLUMN invoice_line.quantity IS 'Billed quantity; negative in a reversal';
COMMENT ON COLUMN invoice_line.list_unit_price IS 'Unit price before the customer''s discount';
COMMENT ON COLUMN invoice_line.unit_price IS 'Unit price after the customer''s discount';
COMMENT ON COLUMN invoice_line.amount IS 'quantity * unit_price, rounded once, half away from zero, to the currency''s minor unit';
COMMENT ON COLUMN invoice_line.cost IS 'What the quantity costs us, exact; NULL without a price in buy.csv';
COMMENT ON COLUMN invoice_line.price_list IS 'Price list that the price is on';
COMMENT ON COLUMN invoice_line.price_row IS 'Row of sell.csv with the price; NULL for a minimum';
COMMENT ON COLUMN invoice_line.report_id IS 'Report that the usage came from';
COMMENT ON COLUMN invoice_line.price_sha256 IS 'SHA-256 of the sell.csv with the price';
COMMENT ON COLUMN invoice_line.closed_at IS 'Time of the closing that added the line';
COMMENT ON COLUMN invoice_line.voided_at IS 'Time at which the line was voided with reopen --void, because its invoice was never sent; NULL if it counts';
