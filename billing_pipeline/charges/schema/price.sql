-- Prices: what customers pay (side sell) and what the usage costs us (side buy). Each load replaces the whole table.
CREATE TABLE IF NOT EXISTS price (
    side VARCHAR NOT NULL,
    price_list VARCHAR NOT NULL,
    sku VARCHAR,
    offering_item VARCHAR,
    storage_ownership VARCHAR,
    unit VARCHAR NOT NULL,
    from_quantity DECIMAL(18, 2) NOT NULL,
    unit_price DECIMAL(18, 6) NOT NULL,
    currency VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    description VARCHAR,
    file_row INTEGER NOT NULL
);

COMMENT ON TABLE price IS 'Prices as the files sell.csv and buy.csv state them; each load replaces all rows';
COMMENT ON COLUMN price.side IS 'sell (what customers pay) or buy (what it costs us)';
COMMENT ON COLUMN price.price_list IS 'Price list; standard applies to whoever has no price on a list of their own';
COMMENT ON COLUMN price.sku IS 'SKU that the price is for; NULL if it is for an offering item';
COMMENT ON COLUMN price.offering_item IS 'Offering item that the price is for; NULL if it is for a SKU';
COMMENT ON COLUMN price.storage_ownership IS 'acronis or partner; NULL for any storage and for usage without one';
COMMENT ON COLUMN price.unit IS 'GiB, compute points or count: the price is for one of them';
COMMENT ON COLUMN price.from_quantity IS 'The tier: the price is for the part of the quantity above this';
COMMENT ON COLUMN price.unit_price IS 'Price of one unit; 0 is free of charge';
COMMENT ON COLUMN price.currency IS 'ISO 4217 code';
COMMENT ON COLUMN price.valid_from IS 'First day of the first month in which the price is valid';
COMMENT ON COLUMN price.valid_to IS 'First day of the last month in which the price is valid; NULL if it is open';
COMMENT ON COLUMN price.description IS 'Text of the invoice line';
COMMENT ON COLUMN price.file_row IS 'Row of the file, as a spreadsheet numbers it: 1 is the header';
