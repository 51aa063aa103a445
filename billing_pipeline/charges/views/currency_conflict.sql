-- Which customers have prices in two currencies in a month, and which prices are these?
--
-- An invoice has one currency, so that month has no charges at all until the price files are corrected.
--
-- For a single month (a DATE) use currency_conflict_in(month): it reads only that month.
CREATE OR REPLACE MACRO currency_conflict_in(month) AS TABLE (
    SELECT billing_period, account, tenant_id, max(tenant_name) AS tenant_name, currency, min(sell_row) AS price_row
    FROM priced_usage_in(month)
    JOIN price ON side = 'sell' AND file_row = sell_row
    GROUP BY billing_period, account, tenant_id, currency
    QUALIFY count(*) OVER (PARTITION BY billing_period, tenant_id) > 1
);

CREATE OR REPLACE VIEW currency_conflict AS
FROM currency_conflict_in(NULL::DATE);
