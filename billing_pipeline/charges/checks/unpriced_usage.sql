-- All usage of the month has a price. A price of 0 is one.
--
-- One finding for each item.
SELECT
    format(
        '{}: {} {}{}{}, {} {}',
        strftime($month::DATE, '%Y-%m'),
        -- As text, because format() makes a decimal a binary float.
        sum(quantity)::DECIMAL(38, 2)::VARCHAR,
        unit,
        ' of ' || coalesce(sku || ' (' || offering_item || ')', offering_item || ' (without SKU)'),
        coalesce(' on storage of ' || storage_ownership, ''),
        CASE count(DISTINCT tenant_id)
            WHEN 1 THEN coalesce(any_value(tenant_name), 'one customer')
            ELSE count(DISTINCT tenant_id) || ' customers'
        END || ':',
        reason
    ) AS finding,
    count(*) AS lines
FROM unpriced_usage_in($month::DATE)
GROUP BY offering_item, sku, storage_ownership, unit, reason
ORDER BY offering_item, sku, storage_ownership, unit, reason
