-- Compute point items, and no others, are measured in seconds and accumulate over the period.
SELECT
    format(
        '{} in {}{}: {} rows, the first is row {}',
        offering_item, measurement_unit, if(is_range, '', ', not accumulating'), count(*), min(report_row)
    ) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND (
        (measurement_unit = 'seconds' AND (NOT is_range OR NOT ends_with(offering_item, 'compute_points')))
        -- assigned_compute_points is a server's setting, not usage.
        OR (
            measurement_unit <> 'seconds'
            AND ends_with(offering_item, 'compute_points')
            AND offering_item <> 'assigned_compute_points'
        )
    )
GROUP BY offering_item, measurement_unit, is_range
ORDER BY min(report_row)
