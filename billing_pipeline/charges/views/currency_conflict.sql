-- Which customers have prices in two currencies in a month, and which prices are these?
--
-- An invoice has one currency, so that month has no charges at all until the price files are corrected. A minimum counts
-- like a price in the currency of the customer's price list.
--
-- For a single month (a DATE) use currency_conflict_in(month): it reads only that month.
CREATE OR REPLACE MACRO currency_conflict_in(month) AS TABLE (
    WITH applied AS (
        SELECT billing_period, tenant_id, tenant_name, currency, sell_row AS price_row
        FROM priced_usage_in(month)
        JOIN price ON side = 'sell' AND file_row = sell_row
        UNION ALL
        SELECT billing_period, tenant_id, NULL, currency, price_row
        FROM customer_minimum_in(month)
    )

    SELECT billing_period, tenant_id, max(tenant_name) AS tenant_name, currency, min(price_row) AS price_row
    FROM applied
    GROUP BY billing_period, tenant_id, currency
    QUALIFY count(*) OVER (PARTITION BY billing_period, tenant_id) > 1
);

CREATE OR REPLACE VIEW currency_conflict AS
FROM currency_conflict_in(NULL::DATE);
