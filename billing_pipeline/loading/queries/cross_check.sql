-- Multiset difference of a report's two files: rows that one file has more often than the other, by the values of the
-- compared columns. Returns the first findings in report order, and the number of all such rows. Rows with the same
-- natural key are one row with different values.
WITH either_row AS (
    SELECT 1 AS side, report_row, {names}
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    UNION ALL
    SELECT -1, report_row, {names}
    FROM (SELECT report_row, {typed} FROM ({witness}))
),

unmatched AS MATERIALIZED (
    SELECT
        {compared},
        {others}
        NULL::JSON AS extra,
        sum(side)::BIGINT AS excess,
        min(report_row) FILTER (side > 0) AS json_row,
        min(report_row) FILTER (side < 0) AS csv_row
    FROM either_row
    GROUP BY {compared}
    HAVING sum(side) <> 0
),

first_key AS (
    SELECT
        natural_key(unmatched) AS natural_key,
        min(coalesce(json_row, csv_row)) AS first_row,
        min(json_row) IS NULL AS is_only_csv
    FROM unmatched
    GROUP BY natural_key(unmatched)
    ORDER BY first_row, is_only_csv
    LIMIT $limit
),

shown AS (
    SELECT
        first_key.*,
        {names},
        format(
            'row {{}} of {{}}: {{}} of tenant {{}} ({{}})',
            coalesce(json_row, csv_row), if(json_row IS NULL, 'csv_v2_0', 'json_v2_0'),
            offering_item, tenant_id, coalesce(nullif(tenant_name, ''), 'no name')
        ) AS place,
        json_row IS NOT NULL AS is_in_json,
        csv_row IS NOT NULL AS is_in_csv,
        row_number() OVER (
            PARTITION BY first_key.natural_key, is_in_json, is_in_csv ORDER BY coalesce(json_row, csv_row)
        ) AS number
    FROM unmatched
    JOIN first_key ON first_key.natural_key = natural_key(unmatched)
),

finding AS (
    SELECT
        natural_key, first_row, is_only_csv, false AS is_pair, number,
        place || ' occurs more often in one file than in the other' AS finding
    FROM shown
    WHERE is_in_json AND is_in_csv
    UNION ALL
    SELECT
        natural_key, coalesce(ours.first_row, theirs.first_row), coalesce(ours.is_only_csv, theirs.is_only_csv),
        true, number,
        CASE
            WHEN theirs.place IS NULL THEN ours.place || ' is not in csv_v2_0'
            WHEN ours.place IS NULL THEN theirs.place || ' is not in json_v2_0'
            ELSE ours.place || ': ' || concat_ws('; ', {differences})
        END
    FROM (FROM shown WHERE NOT is_in_csv) AS ours
    FULL JOIN (FROM shown WHERE NOT is_in_json) AS theirs USING (natural_key, number)
)

SELECT finding, (SELECT sum(abs(excess))::BIGINT FROM unmatched) AS unmatched_rows
FROM finding
ORDER BY first_row, is_only_csv, natural_key, is_pair, number
LIMIT $limit
