-- What is earned on each customer and item in a month?
--
-- `cost` and `margin` are exact, `margin_percent` is the margin's share of the amount. They are NULL where buy.csv has no
-- price for a part of the usage, or one in another currency. A minimum costs nothing. A negative margin is a sale below
-- cost, or a small amount that was rounded down.
--
-- For a single month (a DATE) use margin_in(month): it reads only that month.
CREATE OR REPLACE MACRO margin_in(month) AS TABLE (
    WITH item AS (
        SELECT
            charge_period,
            account,
            tenant_id,
            max(tenant_name) AS tenant_name,
            max(customer_id) AS customer_id,
            line_kind,
            offering_item,
            sku,
            storage_ownership,
            unit,
            sum(quantity)::DECIMAL(18, 2) AS quantity,
            currency,
            sum(amount)::DECIMAL(18, 2) AS amount,
            CASE WHEN bool_and(charge_cost IS NOT NULL) THEN sum(charge_cost) END::DECIMAL(38, 12) AS cost
        FROM (SELECT *, known_cost(line_kind, cost, cost_currency, currency) AS charge_cost FROM charge_in(month))
        GROUP BY charge_period, account, tenant_id, line_kind, offering_item, sku, storage_ownership, unit, currency
    )

    SELECT
        *,
        (amount - cost)::DECIMAL(38, 12) AS margin,
        CASE WHEN amount > 0 THEN round(100 * margin::DOUBLE / amount::DOUBLE, 1) END AS margin_percent
    FROM item
);

CREATE OR REPLACE VIEW margin AS
FROM margin_in(NULL::DATE);
