-- All rows of both sides, as little as tells them apart: a hash, and where the row stands.
CREATE TEMP TABLE unequal_row (fingerprint UBIGINT, report_row BIGINT, excess HUGEINT);

CREATE TEMP TABLE hashed_row AS
SELECT hash({names}) AS fingerprint, report_row, 1::BIGINT AS side
FROM usage
WHERE billing_period = $billing_period AND account = $account
UNION ALL
SELECT hash({names}), report_row, -1
FROM (SELECT report_row, {columns} FROM ({witness}))
