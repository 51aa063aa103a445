-- What does each customer's invoice of a month come to, and how much of it corrects earlier months?
--
-- The sum of the customer's `invoice_line` rows of the month, without voided ones. A month that is closed again after it
-- was reopened adds its differences to the invoice. `corrections` is the sum of reversals and recharges.
CREATE OR REPLACE VIEW invoice AS
SELECT
    billing_period,
    tenant_id,
    last(tenant_name ORDER BY charge_period, closed_at) AS tenant_name,
    last(customer_id ORDER BY charge_period, closed_at) AS customer_id,
    count(*) AS lines,
    sum(amount)::DECIMAL(18, 2) AS amount,
    currency,
    coalesce(sum(amount) FILTER (entry <> 'charge'), 0)::DECIMAL(18, 2) AS corrections
FROM invoice_line
WHERE voided_at IS NULL
GROUP BY billing_period, tenant_id, currency;
