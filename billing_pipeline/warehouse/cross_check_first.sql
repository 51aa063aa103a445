-- The first of them on each side.
CREATE TEMP TABLE first_unequal_row AS
(SELECT fingerprint FROM temp.unequal_row WHERE excess > 0 ORDER BY report_row LIMIT 1000)
UNION ALL
(SELECT fingerprint FROM temp.unequal_row WHERE excess < 0 ORDER BY report_row LIMIT 1000)
