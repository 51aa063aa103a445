-- What a month costs: a digest of its lines, whatever their order, and the total by currency.
WITH line AS (
    {lines}
)

SELECT
    concat(
        count(*), ':',
        sum(hash(
            tenant_id, line_kind, offering_item, sku, storage_ownership, unit, from_quantity, quantity, unit_price,
            currency, amount
        )::HUGEINT)
    ) AS digest,
    coalesce(
        (
            SELECT string_agg(amount || ' ' || currency, ' and ' ORDER BY currency)
            FROM (SELECT currency, sum(amount)::DECIMAL(38, 2) AS amount FROM line GROUP BY currency)
        ),
        'nothing'
    ) AS total
FROM line
