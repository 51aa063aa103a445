-- An accumulating item whose levels rise has changes; without them its usage would be billed as 0.
--
-- Accumulating items are billed with `delta`. By Acronis' documentation only usage_breakdown states changes by day; the
-- daily values of usage_daily come without. An item fails if its deltas are 0 in all rows although a level rises within
-- the report, or is higher than in the month before.
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
        absolute_total - lag(absolute_total) OVER (PARTITION BY usage_series(usage) ORDER BY usage_date) AS rise
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

SELECT
    format(
        '{}: all changes are 0 although levels rise in {} rows{}',
        offering_item, count(*),
        if($report_kind = 'usage_daily', '; request usage_summary or usage_breakdown to bill it', '')
    ) AS finding,
    count(*) AS usage_rows,
    true AS is_failure
FROM step
WHERE is_now AND rise > 0
GROUP BY offering_item
ORDER BY usage_rows DESC, finding
