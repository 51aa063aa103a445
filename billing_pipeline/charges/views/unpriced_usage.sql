-- Which usage of a month has no price, and why?
--
-- `reason` is one of: not valid in that month (a price for the unit is valid in other months only), other unit (prices are
-- for other units only), no price. Whoever has loaded no prices has no unpriced usage either. A price of 0 is a price.
--
-- For a single month (a DATE) use unpriced_usage_in(month): it reads only that month.
CREATE OR REPLACE MACRO unpriced_usage_in(month) AS TABLE (
    WITH unpriced AS (
        SELECT row_number() OVER () AS number, *
        FROM priced_usage_in(month)
        WHERE sell_row IS NULL AND EXISTS (FROM price WHERE side = 'sell')
    ),

    near_miss AS (
        SELECT number, bool_or(price.unit = unpriced.unit) AS is_for_the_unit
        FROM unpriced
        JOIN price
            ON
                (price.sku = unpriced.sku OR price.offering_item = unpriced.offering_item)
                AND price.price_list IN (own_list, 'standard')
                AND coalesce(price.storage_ownership = unpriced.storage_ownership, price.storage_ownership IS NULL)
        WHERE side = 'sell'
        GROUP BY number
    )

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
    FROM unpriced
    LEFT JOIN near_miss USING (number)
);

CREATE OR REPLACE VIEW unpriced_usage AS
FROM unpriced_usage_in(NULL::DATE);
