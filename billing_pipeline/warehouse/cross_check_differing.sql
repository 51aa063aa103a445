-- These rows, whole, from both sides.
CREATE TEMP TABLE differing_row AS
SELECT *
FROM (
    SELECT 'json' AS side, report_row, {names}, hash({names}) AS fingerprint
    FROM usage
    WHERE billing_period = $billing_period AND account = $account
    UNION ALL
    SELECT 'csv', report_row, {names}, hash({names})
    FROM (SELECT report_row, {columns} FROM ({witness}))
)
SEMI JOIN temp.first_unequal_row USING (fingerprint)
