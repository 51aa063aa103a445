-- Number of rows, and the sum over a hash of each whole row: equal rows, in whatever order, give equal sums.
SELECT count(*), sum(hash({names})::HUGEINT)
FROM ({rows})
