-- Terms of customers: price list, discount and minimum. Each load replaces the whole table.
CREATE TABLE IF NOT EXISTS customer_terms (
    tenant_id UUID NOT NULL,
    price_list VARCHAR NOT NULL,
    discount_percent DECIMAL(5, 2) NOT NULL,
    minimum DECIMAL(18, 2) NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    note VARCHAR
);

COMMENT ON TABLE customer_terms IS 'Terms as the file customers.csv states them; each load replaces all rows. Customers without terms have the list standard';
COMMENT ON COLUMN customer_terms.tenant_id IS 'Customer';
COMMENT ON COLUMN customer_terms.price_list IS 'The customer''s own price list, which beats the list standard';
COMMENT ON COLUMN customer_terms.discount_percent IS 'Discount on every unit price, in percent';
COMMENT ON COLUMN customer_terms.minimum IS 'Minimum monthly charge, in the currency of the price list';
COMMENT ON COLUMN customer_terms.valid_from IS 'First day of the first month in which the terms are valid';
COMMENT ON COLUMN customer_terms.valid_to IS 'First day of the last month in which the terms are valid; NULL if they are open';
COMMENT ON COLUMN customer_terms.note IS 'Note of whoever agreed on the terms';
