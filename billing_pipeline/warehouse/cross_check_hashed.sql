-- All rows of both sides, as little as tells them apart: hashes of the row and of its natural key, and where it stands.
CREATE TEMP TABLE unequal_row (fingerprint UBIGINT, natural_key UBIGINT, report_row BIGINT, excess HUGEINT);

CREATE TEMP TABLE hashed_row AS
SELECT hash({names}) AS fingerprint, hash({key}) AS natural_key, report_row, 1::BIGINT AS side
FROM usage
WHERE billing_period = $billing_period AND account = $account
UNION ALL
SELECT hash({names}), hash({key}), report_row, -1
FROM (SELECT report_row, {columns} FROM ({witness}))
