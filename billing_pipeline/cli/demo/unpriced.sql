-- The demo's largest unpriced usage of a month, and how many lines of it there are.
SELECT tenant_name, offering_item, quantity, unit, reason, count(*) OVER () AS lines
FROM unpriced_usage_in($month::DATE)
ORDER BY quantity DESC
LIMIT 1
