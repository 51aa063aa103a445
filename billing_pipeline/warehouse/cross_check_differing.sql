-- The rows that one side has and the other has not, or not as often.
CREATE TEMP TABLE differing_row AS
WITH json_row AS (
    SELECT 'json' AS side, report_row, {names}, hash({names}) AS fingerprint
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
),

csv_row AS (
    SELECT 'csv' AS side, report_row, {names}, hash({names}) AS fingerprint
    FROM (SELECT report_row, {columns} FROM ({witness}))
),

unequal AS (
    SELECT fingerprint
    FROM (
        SELECT fingerprint, 1 AS side FROM json_row
        UNION ALL
        SELECT fingerprint, -1 FROM csv_row
    )
    GROUP BY fingerprint
    HAVING sum(side) <> 0
)

SELECT * FROM (FROM json_row UNION ALL BY NAME FROM csv_row) SEMI JOIN unequal USING (fingerprint)
