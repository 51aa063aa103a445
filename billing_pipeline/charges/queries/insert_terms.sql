-- Terms of customers; the file's texts have the pattern of the type that they are cast to.
INSERT INTO new_terms BY NAME
SELECT
    tenant_id::UUID AS tenant_id,
    coalesce(nullif(price_list, ''), 'standard') AS price_list,
    coalesce(nullif(discount_percent, ''), '0')::DECIMAL(5, 2) AS discount_percent,
    coalesce(nullif(minimum, ''), '0')::DECIMAL(18, 2) AS minimum,
    (valid_from || '-01')::DATE AS valid_from,
    (nullif(valid_to, '') || '-01')::DATE AS valid_to,
    nullif(note, '') AS note
FROM (SELECT unnest($rows, max_depth := 2))
