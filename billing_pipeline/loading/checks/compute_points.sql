-- Compute points equal seconds / 3600 in rows measured in seconds, and are NULL in all others.
WITH wrong AS (
    SELECT
        report_row,
        CASE
            WHEN measurement_unit <> 'seconds' THEN 'compute points in a row that is not in seconds'
            ELSE 'compute points that are not the seconds divided by 3600'
        END AS fault
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND CASE
            WHEN measurement_unit <> 'seconds'
                THEN
                    dr_compute_points_production IS NOT NULL
                    OR dr_compute_points_trial IS NOT NULL
                    OR dr_compute_points_total IS NOT NULL
            -- Rounding tolerance: half a hundredth of a point is 18 seconds.
            ELSE NOT coalesce(
                abs(dr_compute_points_production * 3600 - delta_production) <= 18
                AND abs(dr_compute_points_trial * 3600 - delta_trial) <= 18
                AND abs(dr_compute_points_total * 3600 - delta_total) <= 18,
                false
            )
        END
)

SELECT
    format('{}: {} rows, the first is row {}', fault, count(*), min(report_row)) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM wrong
GROUP BY fault
