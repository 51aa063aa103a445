-- Appends rows of one period to an append-only table. Times are monotonic per period: if the clock was set back, they are
-- a microsecond after the period's last row.
INSERT INTO {table} BY NAME
SELECT
    unnest($rows, max_depth := 2),
    $billing_period AS billing_period,
    greatest(
        $now,
        (SELECT max({time}) + INTERVAL 1 MICROSECOND FROM {table} WHERE billing_period = $billing_period)
    ) AS {time}
