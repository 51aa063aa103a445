-- Compute point items, and no others, are measured in seconds and accumulate over the period.
--
-- In another unit they would be billed 3,600-fold. Units are loaded without case and blanks, names are compared so.
WITH item AS (
    SELECT
        *,
        -- assigned_compute_points is a server's setting, not usage.
        regexp_matches(offering_item, '(?i)compute[ _-]?points?') AND NOT offering_item ILIKE '%assigned_compute_points%'
            AS is_compute_points
    FROM (
        SELECT offering_item, measurement_unit, is_range, count(*) AS usage_rows, min(report_row) AS first_row
        FROM usage
        WHERE billing_period = $billing_period AND account = $account
        GROUP BY ALL
    )
)

SELECT
    format(
        '{} in {}{}: {} rows, the first is row {}',
        offering_item, measurement_unit, if(is_range, '', ', not accumulating'), usage_rows, first_row
    ) AS finding,
    usage_rows,
    true AS is_failure
FROM item
WHERE
    CASE
        WHEN measurement_unit = 'seconds' THEN NOT is_range OR NOT is_compute_points
        ELSE is_compute_points
    END
ORDER BY first_row
