-- Number of rows, and the sum over a hash of each row: equal rows, in whatever order, give equal sums.
SELECT count(*), sum(hash({columns})::HUGEINT)::VARCHAR
FROM ({rows})
