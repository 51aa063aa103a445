-- Our amounts agree with the report's own `total_cost`, for each customer and item for which the report states one.
--
-- Acronis multiplies the exact quantity. Ours is rounded to 2 decimals and the amount to the currency's minor unit, which
-- may differ by half a hundredth of the unit price and half a minor unit in each line. A cost and a price of 0 mean that
-- Acronis knows no price.
WITH reported AS (
    SELECT tenant_id, offering_item, sku, pricing_currency, sum(total_cost) AS total_cost
    FROM billed_row
    WHERE billing_period = $month::DATE AND (total_cost <> 0 OR (total_cost = 0 AND price <> 0))
    GROUP BY tenant_id, offering_item, sku, pricing_currency
),

charged AS (
    SELECT
        tenant_id,
        max(tenant_name) AS tenant_name,
        offering_item,
        sku,
        currency,
        sum(amount) AS amount,
        sum(0.005 * unit_price::DECIMAL(38, 10) + CASE minor_unit WHEN 0 THEN 0.5 ELSE 0.005 END) AS tolerance,
        count(*) AS lines
    FROM charge_in($month::DATE)
    JOIN iso_currency USING (currency)
    WHERE line_kind = 'usage'
    GROUP BY tenant_id, offering_item, sku, currency
)

SELECT
    concat(
        coalesce(tenant_name, charged.tenant_id::VARCHAR), ': ',
        coalesce(charged.sku || ' (' || charged.offering_item || ')', charged.offering_item),
        ' is charged with ', amount, ' ', currency, ', the report states ', round(total_cost, 2)::DECIMAL(38, 2),
        ' ' || pricing_currency
    ) AS finding,
    lines
FROM charged
JOIN reported
    ON
        reported.tenant_id = charged.tenant_id
        AND reported.offering_item = charged.offering_item
        AND reported.sku IS NOT DISTINCT FROM charged.sku
WHERE abs(amount - total_cost) > tolerance OR pricing_currency <> currency
ORDER BY abs(amount - total_cost) DESC, finding
