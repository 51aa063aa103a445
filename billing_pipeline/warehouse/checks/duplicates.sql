-- No usage is listed twice: period, date, tenant, application, item, edition, infrastructure and SKU tell rows apart.
WITH repeated AS (
    SELECT hash(usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku) AS natural_key
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY natural_key
    HAVING count(*) > 1
)

SELECT
    format(
        '{} of tenant {} ({}), SKU {}, infrastructure {}, on {}: rows {}',
        offering_item, tenant_id, coalesce(max(tenant_name), 'no name'), coalesce(sku, 'none'),
        coalesce(infra_id::VARCHAR, 'none'), usage_date,
        array_to_string(list(report_row ORDER BY report_row)[:5], ', ')
    ) AS finding,
    count(*) AS usage_rows,
    true AS objection
FROM usage
SEMI JOIN repeated
    ON natural_key = hash(usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku)
WHERE billing_period = $billing_period AND account = $account
GROUP BY usage_date, tenant_id, application_id, offering_item, edition, infra_id, sku
HAVING count(*) > 1
ORDER BY min(report_row)
