-- No tenant's usage is an outlier: ten times above or below the range of its previous six months.
--
-- Needs at least three months of history, and a material difference: 100 GiB, 10 compute points, or a count of 20.
-- A row that is close to the month before cannot be an outlier, so the older months are read only for the candidates.
-- In a report with daily rows the last day counts.
WITH now AS (
    SELECT
        hash(usage_series(usage)) AS series,
        if(is_billed_by_delta(is_range, measurement_unit, $delta_items), delta_total, absolute_total) AS amount,
        CASE measurement_unit WHEN 'bytes' THEN 107374182400 WHEN 'seconds' THEN 36000 ELSE 20 END AS least_difference,
        report_row
    FROM usage
    WHERE billing_period = $billing_period AND account = $account AND usage_date = period_end
),

month_before AS (
    SELECT
        hash(usage_series(usage)) AS series,
        if(is_billed_by_delta(is_range, measurement_unit, $delta_items), delta_total, absolute_total) AS amount
    FROM usage
    WHERE
        billing_period = ($billing_period::DATE - INTERVAL 1 MONTH)::DATE
        AND account = $account
        AND usage_date = period_end
),

candidate AS (
    SELECT now.*
    FROM now
    LEFT JOIN month_before USING (series)
    WHERE
        greatest(abs(now.amount), abs(month_before.amount)) >= least_difference
        AND (
            month_before.amount IS NULL
            OR now.amount > 10 * greatest(month_before.amount, 0)
            OR (month_before.amount > 0 AND now.amount * 10 < month_before.amount)
            OR (month_before.amount <= 0 AND now.amount < month_before.amount * 10)
        )
),

history AS (
    SELECT series, min(amount) AS lowest, max(amount) AS highest
    FROM (
        SELECT
            billing_period,
            hash(usage_series(usage)) AS series,
            if(is_billed_by_delta(is_range, measurement_unit, $delta_items), delta_total, absolute_total) AS amount
        FROM usage
        WHERE
            billing_period >= ($billing_period::DATE - INTERVAL 6 MONTH)::DATE
            AND billing_period < $billing_period
            AND account = $account
            AND usage_date = period_end
    )
    SEMI JOIN candidate USING (series)
    GROUP BY series
    HAVING count(DISTINCT billing_period) >= 3
)

SELECT
    format(
        '{} of tenant {} ({}): {} {}, before {} to {}',
        offering_item, tenant_id, coalesce(tenant_name, 'no name'), as_text(amount),
        measurement_unit, as_text(lowest), as_text(highest)
    ) AS finding,
    1 AS usage_rows,
    true AS is_failure
FROM candidate
JOIN history USING (series)
JOIN usage ON billing_period = $billing_period AND account = $account AND usage.report_row = candidate.report_row
WHERE
    (
        amount > 10 * greatest(highest, 0)
        OR (lowest > 0 AND amount * 10 < lowest)
        OR (lowest <= 0 AND amount < lowest * 10)
    )
    AND greatest(amount - highest, lowest - amount) >= least_difference
ORDER BY greatest(amount - highest, lowest - amount) / least_difference DESC
