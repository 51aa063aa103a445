-- Every offering item is in Acronis' list, with or without an edition prefix.
WITH item AS (
    SELECT
        offering_item,
        measurement_unit,
        count(*) AS usage_rows,
        regexp_replace(offering_item, '^((adv|dre|p|pw|pg|bndl)_)?((adv|dre|base)_)?', '') AS base_name
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY offering_item, measurement_unit
)

SELECT
    format('{} ({}) is not listed', offering_item, measurement_unit) AS finding,
    usage_rows,
    true AS is_failure
FROM item
WHERE
    offering_item NOT IN (SELECT offering_item FROM offering_item)
    AND base_name NOT IN (SELECT offering_item FROM offering_item)
ORDER BY usage_rows DESC, finding
