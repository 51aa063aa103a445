-- Which usage of a month has no price, and why?
--
-- `reason` is one of: not valid in that month (a price for the unit is valid in other months only), other unit (prices are
-- for other units only), no price. Whoever has loaded no prices has no unpriced usage either. A price of 0 is a price.
--
-- For a single month (a DATE) use unpriced_usage_in(month): it reads only that month.
CREATE OR REPLACE MACRO unpriced_usage_in(month) AS TABLE (
    SELECT
        billing_period,
        account,
        tenant_id,
        tenant_name,
        offering_item,
        sku,
        storage_ownership,
        unit,
        quantity,
        CASE
            WHEN is_for_the_unit THEN 'not valid in that month'
            WHEN is_for_the_unit IS NULL THEN 'no price'
            ELSE 'other unit'
        END AS reason
    FROM (
        SELECT
            *,
            (
                SELECT bool_or(price.unit = line.unit)
                FROM price
                WHERE
                    side = 'sell'
                    AND (price.sku = line.sku OR price.offering_item = line.offering_item)
                    AND price.price_list IN (own_list, 'standard')
                    AND coalesce(price.storage_ownership = line.storage_ownership, price.storage_ownership IS NULL)
            ) AS is_for_the_unit
        FROM priced_usage_in(month) AS line
        WHERE sell_row IS NULL AND EXISTS (FROM price WHERE side = 'sell')
    )
);

CREATE OR REPLACE VIEW unpriced_usage AS
FROM unpriced_usage_in(NULL::DATE);
