-- Which month follows each month?
--
-- A view that compares months joins it below its sums, and finds the month before by `month_after`. A filter on that
-- column then limits what is read of `usage` as one on `billing_period` does; one on a computed date would not.
CREATE OR REPLACE VIEW calendar_month AS
SELECT first_day::DATE AS billing_period, (first_day + INTERVAL 1 MONTH)::DATE AS month_after
FROM generate_series(DATE '1970-01-01', DATE '2199-12-01', INTERVAL 1 MONTH) AS months (first_day);
