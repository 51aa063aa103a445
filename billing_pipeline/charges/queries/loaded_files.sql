-- The files of the last successful load.
SELECT file, sha256, row_count, recorded_at
FROM price_load
WHERE outcome = 'loaded' AND recorded_at = (SELECT max(recorded_at) FROM price_load WHERE outcome = 'loaded')
ORDER BY file DESC
