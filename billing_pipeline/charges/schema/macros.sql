-- A quantity, rounded once, half away from zero, to 2 decimals. DuckDB divides 64-bit integers, which hold all but the
-- largest quantities, far faster than 128-bit ones.
CREATE OR REPLACE MACRO rounded_quantity(exact_quantity) AS
    CASE
        WHEN exact_quantity BETWEEN -99999999 AND 99999999 THEN exact_quantity::DECIMAL(18, 10)::DECIMAL(18, 2)
        ELSE exact_quantity::DECIMAL(18, 2)
    END;

-- An amount of money, rounded once, half away from zero, to the decimals of its currency: none or two.
CREATE OR REPLACE MACRO rounded_money(amount, minor_unit) AS
    -- Each branch has the type of the result: their common type could have fewer decimals.
    CASE minor_unit
        WHEN 0 THEN round(amount, 0)::DECIMAL(18, 2)
        ELSE round(amount, 2)::DECIMAL(18, 2)
    END;

-- quantity * unit_price, exact. DuckDB gives the product of two 64-bit decimals 64 bits: from a million on it overflows.
CREATE OR REPLACE MACRO exact_amount(quantity, unit_price) AS
    quantity::DECIMAL(38, 2) * unit_price;

-- The amount of a line: quantity * unit_price, rounded once. A product below a million fits into 64 bits, with all of its
-- 12 decimals.
CREATE OR REPLACE MACRO line_amount(quantity, unit_price, minor_unit) AS
    CASE
        WHEN quantity BETWEEN -9999 AND 9999 AND unit_price < 100
            THEN rounded_money(quantity * unit_price, minor_unit)
        ELSE rounded_money(exact_amount(quantity, unit_price), minor_unit)
    END;

-- What a charge costs, in the currency of its amount; NULL if that is unknown. A minimum costs nothing.
CREATE OR REPLACE MACRO known_cost(line_kind, cost, cost_currency, currency) AS
    CASE WHEN line_kind = 'minimum' THEN 0 WHEN cost_currency = currency THEN cost END;

-- The part of a quantity in the tier (from_quantity, to_quantity], with NULL for no upper limit; all of a negative quantity
-- is in the tier that begins at 0.
CREATE OR REPLACE MACRO quantity_in_tier(quantity, from_quantity, to_quantity) AS
    CASE
        WHEN from_quantity = 0 THEN least(quantity, to_quantity)
        ELSE greatest(least(quantity, to_quantity) - from_quantity, 0)
    END::DECIMAL(18, 2);

-- What a quantity costs at graduated tiers, exact: the sum of each tier's part of it times the tier's price.
CREATE OR REPLACE MACRO exact_cost(quantity, tiers) AS
    list_sum(list_transform(
        tiers,
        lambda tier:
            exact_amount(quantity_in_tier(quantity, tier.from_quantity, tier.to_quantity), tier.unit_price)
    ))::DECIMAL(38, 12);
