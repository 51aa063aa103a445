-- Every measurement unit is known to the billing rules: bytes, seconds, quantity.
SELECT
    format('{}: {}', measurement_unit, array_to_string(list_sort(list(DISTINCT offering_item))[:5], ', ')) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND measurement_unit NOT IN ('bytes', 'seconds', 'quantity')
GROUP BY measurement_unit
ORDER BY usage_rows DESC
