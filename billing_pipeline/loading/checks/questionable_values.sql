-- No key has blanks around it, which would split a SKU's total, and no level is below zero.
--
-- Blanks are white space, zero-width characters and byte order marks. Values are kept as reported.
WITH value AS (
    SELECT
        report_row,
        unnest(['sku', 'offering_item', 'edition', 'application_name', 'tenant_kind', 'customer_id']) AS field,
        unnest([sku, offering_item, edition, application_name, tenant_kind, customer_id]) AS text
    FROM usage
    WHERE
        billing_period = $billing_period AND account = $account
        AND regexp_matches(
            concat_ws('|', '', sku, offering_item, edition, application_name, tenant_kind, customer_id, ''),
            '\|[\s\p{Z}\x{200B}-\x{200D}\x{FEFF}]|[\s\p{Z}\x{200B}-\x{200D}\x{FEFF}]\|'
        )
)

SELECT
    format('blanks around {} ''{}'': {} rows, the first is row {}', field, text, count(*), min(report_row)) AS finding,
    count(*) AS usage_rows,
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
