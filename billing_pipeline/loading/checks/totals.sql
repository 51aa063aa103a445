-- Total equals production plus trial in the measures that are invoiced: level and change.
WITH measure AS (
    SELECT
        unnest(['absolute', 'delta']) AS name,
        unnest([
            count_if(absolute_total <> absolute_production + absolute_trial),
            count_if(delta_total <> delta_production + delta_trial)
        ]) AS usage_rows,
        unnest([
            min(report_row) FILTER (absolute_total <> absolute_production + absolute_trial),
            min(report_row) FILTER (delta_total <> delta_production + delta_trial)
        ]) AS first_row
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
)

SELECT
    format(
        '{}: {} rows, the first is row {}: {} of tenant {}',
        name, measure.usage_rows, first_row, offering_item, tenant_id
    ) AS finding,
    measure.usage_rows,
    true AS is_failure
FROM measure
JOIN usage ON billing_period = $billing_period AND account = $account AND report_row = first_row
WHERE measure.usage_rows > 0
