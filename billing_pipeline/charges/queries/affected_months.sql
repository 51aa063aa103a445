-- Loaded months in which something is valid that decides on amounts and differs from the last load, and whether they are
-- closed.
WITH stated AS (
    SELECT
        either.load,
        struct_pack(
            price_list, sku, offering_item, storage_ownership, unit, from_quantity, unit_price, currency
        )::VARCHAR AS content,
        valid_from,
        valid_to
    FROM (
        SELECT 'before' AS load, * FROM price
        UNION ALL BY NAME
        SELECT 'after' AS load, * FROM new_price
    ) AS either
    WHERE side = 'sell'
    UNION ALL
    SELECT
        either.load, struct_pack(tenant_id, price_list, discount_percent, minimum)::VARCHAR AS content, valid_from, valid_to
    FROM (
        SELECT 'before' AS load, * FROM customer_terms
        UNION ALL BY NAME
        SELECT 'after' AS load, * FROM new_terms
    ) AS either
),

differing AS (
    SELECT content, valid_from, valid_to
    FROM stated
    GROUP BY content, valid_from, valid_to
    HAVING count(*) FILTER (load = 'before') <> count(*) FILTER (load = 'after')
)

SELECT DISTINCT
    billing_period,
    billing_period IN (SELECT billing_period FROM closed_period) AS is_closed
FROM loaded_report
JOIN differing ON billing_period BETWEEN valid_from AND coalesce(valid_to, billing_period)
ORDER BY billing_period
