-- The charges of the month and the month before; none without prices.
CREATE TEMP TABLE comparable_charge (
    charge_period DATE,
    account VARCHAR,
    tenant_id UUID,
    tenant_name VARCHAR,
    line_kind VARCHAR,
    offering_item VARCHAR,
    sku VARCHAR,
    storage_ownership VARCHAR,
    unit VARCHAR,
    from_quantity DECIMAL(18, 2),
    quantity DECIMAL(18, 2),
    unit_price DECIMAL(18, 10),
    currency VARCHAR,
    amount DECIMAL(18, 2),
    cost DECIMAL(38, 12)
);

-- For charges, the lines of the two months stand for their rows: GiB are rounded line by line, and other units not at all.
CREATE TEMP VIEW billed_row AS
SELECT * RENAME (quantity AS production)
FROM comparable_usage
