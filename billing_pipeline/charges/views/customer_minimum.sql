-- Which minimum monthly charge does each customer have, and in which currency?
--
-- The currency is that of the customer's own price list or, in a month in which no price of it is valid, of the list
-- standard; `price_row` is the first such row of sell.csv. As long as neither has a valid price, there is no minimum.
--
-- For a single month (a DATE) use customer_minimum_in(month).
CREATE OR REPLACE MACRO customer_minimum_in(month) AS TABLE (
    WITH list_currency AS (
        SELECT
            billing_period,
            price_list,
            min_by(currency, file_row) AS currency,
            min_by(minor_unit, file_row) AS minor_unit,
            min(file_row) AS price_row
        FROM price_tier_in(month)
        WHERE side = 'sell'
        GROUP BY billing_period, price_list
    )

    SELECT
        billing_period,
        tenant_id,
        list_currency.price_list,
        currency,
        rounded_money(minimum, minor_unit) AS minimum,
        price_row
    FROM customer_terms
    JOIN list_currency ON list_currency.price_list IN (customer_terms.price_list, 'standard')
    WHERE
        minimum > 0
        AND billing_period BETWEEN valid_from AND coalesce(valid_to, billing_period)
    QUALIFY row_number() OVER (
        PARTITION BY billing_period, tenant_id ORDER BY list_currency.price_list <> customer_terms.price_list
    ) = 1
);

CREATE OR REPLACE VIEW customer_minimum AS
FROM customer_minimum_in(NULL::DATE);
