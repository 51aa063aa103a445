-- The natural key is unique: date, tenant, application, item, edition, infrastructure, SKU and all unknown fields.
--
-- Hashes of a part of the key find the candidates in little memory; comparing whole keys decides.
WITH candidate AS (
    SELECT hash(usage_date, tenant_id, offering_item, infra_id, sku) AS key_hash
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY key_hash
    HAVING count(*) > 1
),

repeated AS (
    SELECT
        natural_key(usage) AS natural_key,
        max(tenant_name) AS tenant_name,
        list(report_row ORDER BY report_row) AS places
    FROM usage
    SEMI JOIN candidate ON key_hash = hash(usage_date, tenant_id, offering_item, infra_id, sku)
    WHERE billing_period = $billing_period AND account = $account
    GROUP BY ALL
    HAVING count(*) > 1
)

SELECT
    format(
        '{} of tenant {} ({}), SKU {}, infrastructure {}, on {}: rows {}',
        offering_item, tenant_id, coalesce(tenant_name, 'no name'), coalesce(sku, 'none'),
        coalesce(infra_id::VARCHAR, 'none'), usage_date, array_to_string(places[:5], ', ')
    ) AS finding,
    len(places) AS usage_rows,
    true AS is_failure
FROM (SELECT unnest(natural_key, recursive := true), tenant_name, places FROM repeated)
ORDER BY places[1]
