-- One attempt to load the prices, one row for each file. Times are monotonic: if the clock was set back, they are a
-- microsecond after the last row.
INSERT INTO price_load BY NAME
SELECT
    file,
    sha256,
    row_count::BIGINT AS row_count,
    reason,
    $forced AS forced,
    $outcome AS outcome,
    greatest($now, (SELECT max(recorded_at) + INTERVAL 1 MICROSECOND FROM price_load)) AS recorded_at
FROM (SELECT unnest($files, max_depth := 2))
