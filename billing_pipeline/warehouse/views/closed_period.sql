-- Which periods are closed, since when, by whom and why?
CREATE OR REPLACE VIEW closed_period AS
SELECT billing_period, acted_at AS closed_at, acted_by AS closed_by, note
FROM period_closing
QUALIFY row_number() OVER (PARTITION BY billing_period ORDER BY acted_at DESC) = 1 AND action = 'closed';
