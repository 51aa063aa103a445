-- What may be a typing error in the price files: names that no usage has, and lists that no customer has. Without usage
-- there is nothing to compare names with.
WITH known_item AS (
    SELECT offering_item FROM offering_item
    UNION
    SELECT DISTINCT offering_item FROM usage
),

suspect AS (
    SELECT side || '.csv' AS file, 'no usage has the SKU' AS problem, sku AS name, file_row
    FROM price
    WHERE sku NOT IN (SELECT DISTINCT sku FROM usage WHERE sku IS NOT NULL) AND EXISTS (FROM usage)
    UNION ALL
    SELECT side || '.csv', 'no usage has the offering item', offering_item, file_row
    FROM price
    WHERE offering_item NOT IN (FROM known_item) AND EXISTS (FROM usage)
    UNION ALL
    SELECT side || '.csv', 'no customer has the price list', price_list, file_row
    FROM price
    WHERE price_list <> 'standard' AND price_list NOT IN (SELECT price_list FROM customer_terms)
    UNION ALL
    SELECT 'customers.csv', 'no usage is of the tenant', tenant_id::VARCHAR, NULL
    FROM customer_terms
    WHERE tenant_id NOT IN (SELECT DISTINCT tenant_id FROM usage) AND EXISTS (FROM usage)
),

named AS (
    SELECT file, problem, name, min(file_row) AS file_row
    FROM suspect
    GROUP BY file, problem, name
)

SELECT
    concat(
        file, ': ', problem, ' ',
        array_to_string(
            list(concat(name, ' (row ' || file_row || ')') ORDER BY file_row, name)[:5], ', '
        ),
        CASE WHEN count(*) > 5 THEN format(' and {:,} more', count(*) - 5) END
    ) AS warning
FROM named
GROUP BY file, problem
ORDER BY list_position(['sell.csv', 'buy.csv', 'customers.csv'], file), min(file_row), problem
