-- Every price that was valid for three months has matched usage of at least one of them.
--
-- Another price may apply instead of one that matches nothing: see the view priced_usage. Needs all three months.
WITH recent AS (
    SELECT sell_row, buy_row
    FROM priced_usage_in($month::DATE)
    UNION ALL
    SELECT sell_row, buy_row
    FROM priced_usage_in(($month::DATE - INTERVAL 1 MONTH)::DATE)
    UNION ALL
    SELECT sell_row, buy_row
    FROM priced_usage_in(($month::DATE - INTERVAL 2 MONTH)::DATE)
),

matched AS (
    SELECT 'sell' AS side, sell_row AS file_row
    FROM recent
    UNION
    SELECT 'buy', buy_row
    FROM recent
)

SELECT
    concat(
        side, '.csv row ', file_row, ': ', coalesce(sku, offering_item), coalesce(' on storage of ' || storage_ownership, ''),
        ', ', unit, ', on the list ', price_list, ' matched nothing in three months'
    ) AS finding,
    1 AS lines
FROM price
ANTI JOIN matched USING (side, file_row)
WHERE
    -- The first tier stands for the price.
    from_quantity = 0
    AND valid_from <= ($month::DATE - INTERVAL 2 MONTH)::DATE
    AND coalesce(valid_to, $month::DATE) >= $month::DATE
    AND (
        SELECT count(DISTINCT billing_period)
        FROM loaded_report
        WHERE billing_period BETWEEN ($month::DATE - INTERVAL 2 MONTH)::DATE AND $month::DATE
    ) = 3
ORDER BY side DESC, file_row
