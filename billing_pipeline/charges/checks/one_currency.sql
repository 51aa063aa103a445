-- Each customer's prices of the month are in one currency; otherwise the month has no charges.
SELECT
    format(
        '{}: {} ({}) has prices in {}',
        strftime($month::DATE, '%Y-%m'), coalesce(max(tenant_name), 'a customer'), tenant_id,
        string_agg(format('{} (sell.csv row {})', currency, price_row), ' and ' ORDER BY currency)
    ) AS finding,
    count(*) AS lines
FROM currency_conflict_in($month::DATE)
GROUP BY tenant_id
ORDER BY finding
