-- What did the checks find in each period's last load, published or stopped?
CREATE OR REPLACE VIEW latest_load_checks AS
SELECT *
FROM load_checks
QUALIFY checked_at = max(checked_at) OVER (PARTITION BY billing_period, account);
