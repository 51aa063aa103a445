-- An accumulating item whose levels change has deltas; without them its usage would be billed as 0.
--
-- Accumulating items are billed with `delta`. By Acronis' documentation only usage_breakdown states changes by day; the
-- daily values of usage_daily come without. An item fails if its deltas are 0 in all rows although a level changes within
-- the report, or is higher than in the month before. A tenant without a row for the days before had the level 0.
WITH unchanged AS (
    SELECT offering_item
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND is_billed_by_delta(is_range, measurement_unit, $delta_items)
    GROUP BY offering_item
    HAVING NOT bool_or(delta_production <> 0 OR delta_trial <> 0 OR delta_total <> 0)
),

step AS (
    SELECT
        offering_item,
        billing_period = $billing_period AS is_now,
        absolute_total - coalesce(
            lag(absolute_total) OVER series_days,
            CASE WHEN $report_kind IN ('usage_daily', 'usage_breakdown') AND usage_date > period_start THEN 0 END
        ) AS change,
        coalesce(lag(billing_period) OVER series_days = $billing_period, false) AS is_within
    FROM (
        SELECT
            usage_series(usage) AS series, billing_period, period_start, usage_date, offering_item, absolute_total
        FROM usage
        SEMI JOIN unchanged USING (offering_item)
        WHERE
            account = $account
            AND is_billed_by_delta(is_range, measurement_unit, $delta_items)
            AND (
                billing_period = $billing_period
                OR (
                    billing_period = ($billing_period::DATE - INTERVAL 1 MONTH)::DATE
                    AND usage_date = period_end
                )
            )
    )
    WINDOW series_days AS (PARTITION BY series ORDER BY usage_date)
)

SELECT
    format(
        '{}: all deltas are 0 although levels change in {} rows{}',
        offering_item, count(*),
        if($report_kind = 'usage_daily', '; request usage_summary or usage_breakdown to bill it', '')
    ) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM step
WHERE is_now AND (change > 0 OR (change < 0 AND is_within))
GROUP BY offering_item
ORDER BY usage_rows DESC, finding
