-- Accumulating items are billed by the same rule, BILLING_DELTA_ITEMS, as in the month's last load and the month before.
SELECT
    format(
        '{} rows of accumulating items other than compute points are billed by {}; by {} in {}',
        accumulating_rows,
        if($delta_items = 'accumulating', 'delta', 'absolute'),
        if(loaded_report.delta_items = 'accumulating', 'delta', 'absolute'),
        if(billing_period = $billing_period, 'this month''s last load', strftime(billing_period, '%Y-%m'))
    ) AS finding,
    accumulating_rows AS usage_rows,
    true AS is_failure
FROM loaded_report
CROSS JOIN (
    SELECT count(*) AS accumulating_rows
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND is_range AND measurement_unit <> 'seconds'
)
WHERE
    billing_period IN ($billing_period::DATE, ($billing_period::DATE - INTERVAL 1 MONTH)::DATE)
    AND account = $account
    AND loaded_report.delta_items <> $delta_items
    AND accumulating_rows > 0
ORDER BY billing_period
