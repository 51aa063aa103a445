-- Customers of a month with prices in two currencies, one line each, with the prices.
SELECT
    format(
        '{}: {} ({}) has prices in {}',
        strftime($month::DATE, '%Y-%m'), coalesce(max(tenant_name), 'a customer'), tenant_id,
        string_agg(format('{} (sell.csv row {})', currency, price_row), ' and ' ORDER BY currency)
    ) AS conflict
FROM currency_conflict_in($month::DATE)
GROUP BY tenant_id
ORDER BY conflict
