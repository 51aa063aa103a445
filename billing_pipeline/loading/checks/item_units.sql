-- Items that Acronis lists in bytes, and no others, are reported in bytes; another unit would misbill them 2^30-fold.
WITH item AS (
    SELECT
        offering_item,
        measurement_unit,
        count(*) AS usage_rows,
        min(report_row) AS first_row,
        regexp_replace(offering_item, '^((adv|dre|p|pw|pg|bndl)_)?((adv|dre|base)_)?', '') AS base_name
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY offering_item, measurement_unit
),

judged AS (
    SELECT item.*, coalesce(exact.measurement_unit, base.measurement_unit) AS listed_unit
    FROM item
    LEFT JOIN offering_item AS exact ON exact.offering_item = item.offering_item
    LEFT JOIN offering_item AS base ON base.offering_item = item.base_name
)

SELECT
    format(
        '{} is in {}, listed in {}: {} rows, the first is row {}',
        offering_item, measurement_unit, listed_unit, usage_rows, first_row
    ) AS finding,
    usage_rows,
    true AS is_failure
FROM judged
WHERE (listed_unit = 'bytes') <> (measurement_unit = 'bytes')
ORDER BY first_row
