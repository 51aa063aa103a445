-- Those that one side has and the other has not, or not as often; some of them at a time, since there may be millions.
INSERT INTO temp.unequal_row
SELECT fingerprint, min(natural_key), min(report_row), sum(side)
FROM temp.hashed_row
WHERE fingerprint % $slices = $slice
GROUP BY fingerprint
HAVING sum(side) <> 0
