-- What do closed months still owe or are owed: what would the next closing reverse and recharge?
--
-- A closed month's charges change when it is loaded again or its prices are corrected. Each line that was invoiced and is
-- not among the charges any more has an entry `reversal`, with negative quantity and amount; each charge that was not
-- invoiced has an entry `recharge`. A month in which a customer has prices in two currencies has no corrections until
-- that is settled.
--
-- For a single month (a DATE) use correction_due_in(month): it reads only that month.
CREATE OR REPLACE MACRO charge_with_origin_in(month) AS TABLE (
    SELECT
        charge.*,
        loaded_report.report_id,
        (
            SELECT last(sha256 ORDER BY recorded_at) FROM price_load WHERE outcome = 'loaded' AND file = 'sell.csv'
        ) AS price_sha256
    FROM charge_in(month) AS charge
    LEFT JOIN loaded_report
        ON loaded_report.billing_period = charge_period AND loaded_report.account = charge.account
);

-- The same for a month in which no customer has prices in two currencies: it reads the usage once instead of twice.
CREATE OR REPLACE MACRO correction_in(month) AS TABLE (
    WITH line AS (
        SELECT 'recharge' AS entry, 1 AS sign, *
        FROM charge_with_origin_in(month)
        UNION ALL BY NAME
        SELECT 'reversal' AS entry, -1 AS sign, *
        FROM invoiced_charge_in(month)
    )

    SELECT
        any_value(entry) AS entry,
        charge_period,
        any_value(account) AS account,
        tenant_id,
        any_value(tenant_name) AS tenant_name,
        any_value(customer_id) AS customer_id,
        line_kind,
        offering_item,
        sku,
        storage_ownership,
        unit,
        from_quantity,
        (any_value(sign) * quantity)::DECIMAL(18, 2) AS quantity,
        any_value(list_unit_price) AS list_unit_price,
        unit_price,
        currency,
        (any_value(sign) * amount)::DECIMAL(18, 2) AS amount,
        any_value((sign * cost)::DECIMAL(38, 12)) AS cost,
        any_value(cost_currency) AS cost_currency,
        any_value(description) AS description,
        any_value(price_list) AS price_list,
        any_value(price_row) AS price_row,
        any_value(report_id) AS report_id,
        any_value(price_sha256) AS price_sha256
    FROM line
    WHERE charge_period IN (SELECT billing_period FROM closed_period)
    -- All that decides on the amount: a line that is both invoiced and charged is not due.
    GROUP BY
        charge_period, tenant_id, line_kind, offering_item, sku, storage_ownership, unit, from_quantity, quantity, unit_price,
        currency, amount
    HAVING count(*) = 1
);

CREATE OR REPLACE MACRO correction_due_in(month) AS TABLE (
    SELECT correction.*
    FROM correction_in(month) AS correction
    -- DuckDB filters the right side of a left join, too, but not the subquery of NOT IN.
    LEFT JOIN (SELECT DISTINCT billing_period AS conflict_period FROM currency_conflict_in(month))
        ON conflict_period = charge_period
    WHERE conflict_period IS NULL
);

CREATE OR REPLACE VIEW correction_due AS
FROM correction_due_in(NULL::DATE);
