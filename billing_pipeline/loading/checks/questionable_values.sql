-- No key has blanks around it, which would split a SKU's total, and no level is below zero.
--
-- Blanks are white space, zero-width characters and byte order marks. Values are kept as reported.
WITH value AS (
    SELECT
        unnest(['sku', 'offering_item', 'edition', 'application_name', 'tenant_kind']) AS field,
        unnest([sku, offering_item, edition, application_name, tenant_kind]) AS text,
        usage_rows,
        first_row
    FROM (
        SELECT
            sku, offering_item, edition, application_name, tenant_kind,
            count(*) AS usage_rows, min(report_row) AS first_row
        FROM usage
        WHERE billing_period = $billing_period AND account = $account
        GROUP BY ALL
    )
    UNION ALL
    SELECT 'customer_id', customer_id, count(*), min(report_row)
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY customer_id
)

SELECT
    format('blanks around {} ''{}'': {} rows, the first is row {}', field, text, sum(usage_rows), min(first_row)) AS finding,
    sum(usage_rows)::BIGINT AS usage_rows,
    true AS is_failure
FROM value
WHERE regexp_matches(text, '^[\s\p{Z}\x{200B}-\x{200D}\x{FEFF}]|[\s\p{Z}\x{200B}-\x{200D}\x{FEFF}]$')
GROUP BY field, text

UNION ALL

SELECT
    format(
        'level below zero: {} of tenant {} ({}): {} rows, the first is row {} with {} {}',
        offering_item, tenant_id, coalesce(max(tenant_name), 'no name'), count(*), min(report_row),
        as_text(arg_min(least(absolute_production, absolute_trial, absolute_total), report_row)), measurement_unit
    ),
    count(*),
    true
FROM usage
WHERE
    billing_period = $billing_period AND account = $account
    AND least(absolute_production, absolute_trial, absolute_total) < 0
GROUP BY offering_item, tenant_id, measurement_unit

ORDER BY usage_rows DESC, finding
