-- The billable usage of the month and the month before.
CREATE TEMP TABLE comparable_usage AS
FROM comparable_usage
WHERE billing_period IN ($month, ($month::DATE - INTERVAL 1 MONTH)::DATE)
