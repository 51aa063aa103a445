-- The billable usage of the month and the month before.
CREATE TEMP TABLE comparable_usage AS
-- Two equalities reach the tables below the view's joins; one list of months does not.
FROM comparable_usage
WHERE billing_period = $month
UNION ALL
FROM comparable_usage
WHERE billing_period = ($month::DATE - INTERVAL 1 MONTH)::DATE
