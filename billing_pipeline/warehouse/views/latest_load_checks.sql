-- What did the checks find when each period was last loaded, or last stopped?
CREATE OR REPLACE VIEW latest_load_checks AS
SELECT *
FROM load_checks
QUALIFY checked_at = max(checked_at) OVER (PARTITION BY billing_period, account);
