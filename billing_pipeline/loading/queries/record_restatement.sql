-- Records the differences between the published and the new rows of a period. Hashes are compared first, so that whole
-- rows are read only for keys that may differ.
INSERT INTO usage_restatement BY NAME
WITH either_row AS (
    SELECT -1 AS side, * FROM published.usage WHERE billing_period = $billing_period AND account = $account
    UNION ALL BY NAME
    SELECT 1 AS side, * FROM usage WHERE billing_period = $billing_period AND account = $account
),

differing AS (
    SELECT hash(natural_key(either_row)) AS key_hash
    FROM either_row
    GROUP BY key_hash
    HAVING sum(side * hash({hashed})::HUGEINT) <> 0 OR sum(side) <> 0
),

whole_row AS (
    SELECT
        side,
        natural_key(either_row) AS natural_key,
        measurement_unit,
        is_range,
        tenant_name,
        to_json(struct_pack({as_text})) AS content
    FROM either_row
    SEMI JOIN differing ON key_hash = hash(natural_key(either_row))
)

SELECT
    $billing_period AS billing_period,
    $account AS account,
    $restated_at AS restated_at,
    CASE WHEN before.content IS NULL THEN 'new' WHEN after.content IS NULL THEN 'vanished' ELSE 'changed' END AS change,
    $report_id_before::UUID AS report_id_before,
    $report_id_after::UUID AS report_id_after,
    unnest(natural_key, recursive := true),
    measurement_unit,
    is_range,
    coalesce(after.tenant_name, before.tenant_name) AS tenant_name,
    before.content AS before,
    after.content AS after
FROM (FROM whole_row WHERE side < 0) AS before
FULL JOIN (FROM whole_row WHERE side > 0) AS after USING (natural_key, measurement_unit, is_range)
WHERE before.content IS DISTINCT FROM after.content
