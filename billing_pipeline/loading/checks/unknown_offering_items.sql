-- Every offering item is in Acronis' list, with or without an edition prefix, and in the listed unit.
WITH item AS (
    SELECT
        offering_item,
        measurement_unit,
        count(*) AS usage_rows,
        regexp_replace(offering_item, '^((adv|dre|p|pw|pg|bndl)_)?((adv|dre|base)_)?', '') AS base_name
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY offering_item, measurement_unit
),

judged AS (
    SELECT
        item.*,
        coalesce(exact.offering_item, base.offering_item) AS listed_as,
        coalesce(exact.measurement_unit, base.measurement_unit) AS listed_unit
    FROM item
    LEFT JOIN offering_item AS exact ON exact.offering_item = item.offering_item
    LEFT JOIN offering_item AS base ON base.offering_item = item.base_name
)

SELECT
    CASE
        WHEN listed_as IS NULL THEN format('{} ({}) is not listed', offering_item, measurement_unit)
        ELSE format('{} is in {}, listed in {}', offering_item, measurement_unit, listed_unit)
    END AS finding,
    usage_rows,
    true AS is_failure
FROM judged
WHERE listed_as IS NULL OR listed_unit <> measurement_unit
ORDER BY usage_rows DESC, finding
