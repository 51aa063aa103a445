-- Order-independent digest: row count and the sum of the rows' hashes.
SELECT count(*), sum(hash({columns})::HUGEINT)::VARCHAR
FROM ({rows})
