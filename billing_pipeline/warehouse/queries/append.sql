-- Adds rows of one period to a table that only grows. After the clock was set back, their time is a microsecond after
-- that of the period's last row.
INSERT INTO {table} BY NAME
SELECT
    unnest($rows, max_depth := 2),
    $billing_period AS billing_period,
    greatest(
        $now,
        (SELECT max({time}) + INTERVAL 1 MICROSECOND FROM {table} WHERE billing_period = $billing_period)
    ) AS {time}
