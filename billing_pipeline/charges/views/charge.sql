-- What does each customer owe for a month, line by line, and what does that cost us?
--
-- A line is one quantity at one unit price: a customer's usage of an item, by SKU, storage ownership, unit and price tier.
-- `amount` is quantity * unit_price, rounded once, half away from zero, to the currency's minor unit. Nothing else is
-- rounded: an invoice is the sum of its lines, and `cost`, at the prices of buy.csv, is exact. A minimum that the
-- customer's lines do not reach adds a line with the difference.
-- Usage without a price has no line (view unpriced_usage). A month in which a customer has prices in two currencies has
-- no charges (view currency_conflict).
--
-- For a single month (a DATE) use charge_in(month): it reads only that month.
CREATE OR REPLACE MACRO charge_in(month) AS TABLE (
    WITH priced AS (
        FROM priced_usage_in(month)
        WHERE sell_row IS NOT NULL
    ),

    tier AS (
        FROM price_tier_in(month)
    ),

    customer_minimum AS (
        FROM customer_minimum_in(month)
    ),

    stopped AS (
        SELECT billing_period
        FROM (
            SELECT billing_period, tenant_id, currency
            FROM priced
            JOIN price ON side = 'sell' AND file_row = sell_row
            UNION ALL
            SELECT billing_period, tenant_id, currency
            FROM customer_minimum
        )
        GROUP BY billing_period, tenant_id
        HAVING min(currency) <> max(currency)
    ),

    in_tier AS NOT MATERIALIZED (
        SELECT
            priced.*,
            from_quantity,
            quantity_in_tier(quantity, from_quantity, to_quantity) AS tier_quantity,
            unit_price AS list_unit_price,
            (unit_price * (100 - discount_percent) * 0.01)::DECIMAL(18, 10) AS net_unit_price,
            line_amount(tier_quantity, net_unit_price, minor_unit) AS amount,
            currency,
            coalesce(description, priced.sku, priced.offering_item) AS description,
            price_list,
            file_row AS price_row
        FROM priced
        JOIN tier ON tier.billing_period = priced.billing_period AND tier.first_tier_row = sell_row AND side = 'sell'
        WHERE from_quantity = 0 OR quantity > from_quantity
    ),

    buy_price AS (
        SELECT
            billing_period,
            first_tier_row AS buy_row,
            any_value(currency) AS cost_currency,
            list({'from_quantity': from_quantity, 'to_quantity': to_quantity, 'unit_price': unit_price}) AS buy_tiers
        FROM tier
        WHERE side = 'buy'
        GROUP BY billing_period, first_tier_row
    ),

    usage_charge AS (
        SELECT
            in_tier.* EXCLUDE (quantity),
            tier_quantity AS quantity,
            -- Up to the end of the line's tier, minus up to its beginning.
            exact_cost(from_quantity + tier_quantity, buy_tiers) - exact_cost(from_quantity, buy_tiers) AS cost,
            cost_currency
        FROM in_tier
        LEFT JOIN buy_price USING (billing_period, buy_row)
    ),

    usage_total AS (
        SELECT billing_period, tenant_id, sum(amount) AS amount
        FROM in_tier
        WHERE minimum > 0
        GROUP BY billing_period, tenant_id
    ),

    customer_name AS (
        SELECT
            billing_period,
            tenant_id,
            max(account) AS account,
            max(tenant_name) AS tenant_name,
            max(customer_id) AS customer_id
        FROM usage
        WHERE tenant_id IN (SELECT tenant_id FROM customer_minimum) AND (month IS NULL OR billing_period = month)
        GROUP BY billing_period, tenant_id
    ),

    minimum_charge AS (
        SELECT
            customer_minimum.*,
            account,
            tenant_name,
            customer_id,
            (minimum - coalesce(amount, 0))::DECIMAL(18, 2) AS difference
        FROM customer_minimum
        LEFT JOIN usage_total USING (billing_period, tenant_id)
        LEFT JOIN customer_name USING (billing_period, tenant_id)
        WHERE minimum > coalesce(amount, 0)
    )

    SELECT
        billing_period AS charge_period,
        account,
        tenant_id,
        tenant_name,
        customer_id,
        'usage' AS line_kind,
        offering_item,
        sku,
        storage_ownership,
        unit,
        from_quantity,
        quantity,
        list_unit_price,
        net_unit_price AS unit_price,
        currency,
        amount,
        cost,
        cost_currency,
        description,
        price_list,
        price_row
    FROM usage_charge
    WHERE billing_period NOT IN (FROM stopped)
    UNION ALL BY NAME
    SELECT
        billing_period AS charge_period,
        account,
        tenant_id,
        tenant_name,
        customer_id,
        'minimum' AS line_kind,
        1::DECIMAL(18, 2) AS quantity,
        difference::DECIMAL(18, 6) AS list_unit_price,
        difference::DECIMAL(18, 10) AS unit_price,
        currency,
        difference AS amount,
        'Minimum monthly charge' AS description,
        price_list
    FROM minimum_charge
    WHERE billing_period NOT IN (FROM stopped)
);

CREATE OR REPLACE VIEW charge AS
FROM charge_in(NULL::DATE);
