-- Every offering item is in Acronis' list, with or without an edition prefix.
--
-- An item that the month before has too is only listed.
WITH item AS (
    SELECT
        offering_item,
        string_agg(DISTINCT measurement_unit, ', ') FILTER (billing_period = $billing_period) AS units,
        count(*) FILTER (billing_period = $billing_period) AS usage_rows,
        bool_and(billing_period = $billing_period) AS is_new,
        regexp_replace(offering_item, '^((adv|dre|p|pw|pg|bndl)_)?((adv|dre|base)_)?', '') AS base_name
    FROM usage
    WHERE
        account = $account
        AND billing_period IN ($billing_period, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
    GROUP BY offering_item
)

SELECT format('{} ({}) is not listed', offering_item, units) AS finding, usage_rows, is_new AS is_failure
FROM item
WHERE
    usage_rows > 0
    AND offering_item NOT IN (SELECT offering_item FROM offering_item)
    AND base_name NOT IN (SELECT offering_item FROM offering_item)
ORDER BY is_failure DESC, usage_rows DESC, finding
