-- Which prices are valid in a month, tier by tier?
--
-- Tiers are graduated: the part of a quantity in (from_quantity, to_quantity] costs the tier's price, and the last tier has
-- no upper limit. A price is identified by its side and `first_tier_row`, the file row of the tier that begins at 0.
--
-- For a single month (a DATE) use price_tier_in(month).
CREATE OR REPLACE MACRO price_tier_in(month) AS TABLE (
    SELECT
        billing_period,
        side,
        price_list,
        sku,
        offering_item,
        storage_ownership,
        unit,
        from_quantity,
        lead(from_quantity) OVER tiers AS to_quantity,
        unit_price,
        currency,
        minor_unit,
        description,
        file_row,
        first_value(file_row) OVER tiers AS first_tier_row
    FROM price
    JOIN iso_currency USING (currency)
    JOIN (
        SELECT DISTINCT billing_period FROM loaded_report WHERE month IS NULL OR billing_period = month
    ) ON billing_period BETWEEN valid_from AND coalesce(valid_to, billing_period)
    WINDOW tiers AS (
        PARTITION BY billing_period, side, price_list, sku, offering_item, storage_ownership, unit
        ORDER BY from_quantity
    )
);

CREATE OR REPLACE VIEW price_tier AS
FROM price_tier_in(NULL::DATE);
