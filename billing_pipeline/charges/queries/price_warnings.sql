-- What may be a typing error in the price files: names that no usage has, lists without a customer, and currencies that
-- stop a month. Empty as long as no usage is loaded.
WITH known_item AS (
    SELECT offering_item FROM offering_item
    UNION
    SELECT DISTINCT offering_item FROM usage
),

unknown AS (
    SELECT side || '.csv' AS file, 'SKU' AS noun, sku AS name, file_row
    FROM price
    WHERE sku NOT IN (SELECT DISTINCT sku FROM usage WHERE sku IS NOT NULL)
    UNION ALL
    SELECT side || '.csv' AS file, 'offering item' AS noun, offering_item AS name, file_row
    FROM price
    WHERE offering_item NOT IN (FROM known_item)
)

SELECT
    format('{}: no usage has the {} {} (row {})', file, noun, name, min(file_row)) AS warning,
    file <> 'sell.csv' AS is_later,
    min(file_row) AS file_row
FROM unknown
WHERE EXISTS (FROM usage)
GROUP BY file, noun, name
UNION ALL
SELECT
    format('{}.csv: no customer has the price list {} (row {})', side, price_list, min(file_row)),
    side <> 'sell',
    min(file_row)
FROM price
WHERE price_list <> 'standard' AND price_list NOT IN (SELECT price_list FROM customer_terms)
GROUP BY side, price_list
UNION ALL
SELECT DISTINCT format('customers.csv: no usage is of the tenant {}', tenant_id), true, 0
FROM customer_terms
WHERE EXISTS (FROM usage) AND tenant_id NOT IN (SELECT DISTINCT tenant_id FROM usage)
ORDER BY is_later, file_row, warning
