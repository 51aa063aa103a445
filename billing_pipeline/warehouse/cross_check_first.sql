-- The first of them, and their like in the other file, wherever they stand there.
CREATE TEMP TABLE first_unequal_row AS
WITH first_key AS (
    SELECT natural_key
    FROM temp.unequal_row
    GROUP BY natural_key
    ORDER BY min(report_row)
    LIMIT $pairs
)

SELECT fingerprint
FROM temp.unequal_row
SEMI JOIN first_key USING (natural_key)
ORDER BY report_row
LIMIT 1000
