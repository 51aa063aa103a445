-- How much is billed on each line of a month, and which price applies to it?
--
-- `quantity` is the month's production, summed by customer, offering item, SKU, storage ownership and unit, and rounded
-- once to 2 decimals, half away from zero: what is printed is what is multiplied. Lines that round to 0 are left out. Of
-- the prices that are valid in the month and for exactly the line's unit,
--   1. one on the customer's own price list beats one on the list standard;
--   2. within a list, one for the SKU beats one for the offering item;
--   3. then one for the storage's ownership beats one for any.
-- `sell_row` and `buy_row` are the file rows of the first tiers of the prices that apply; NULL if none does.
--
-- For a single month (a DATE) use priced_usage_in(month): it reads only that month.
CREATE OR REPLACE MACRO priced_usage_in(month) AS TABLE (
    WITH line AS (
        SELECT
            billing_period,
            account,
            tenant_id,
            max(tenant_name) AS tenant_name,
            max(customer_id) AS customer_id,
            offering_item,
            sku,
            storage_ownership,
            unit,
            sum(quantity)::DECIMAL(18, 2) AS quantity
        FROM billable_usage
        WHERE month IS NULL OR billing_period = month
        GROUP BY billing_period, account, tenant_id, offering_item, sku, storage_ownership, unit
        HAVING sum(quantity)::DECIMAL(18, 2) <> 0
    ),

    line_with_terms AS (
        SELECT
            line.*,
            coalesce(price_list, 'standard') AS own_list,
            coalesce(discount_percent, 0) AS discount_percent,
            coalesce(minimum, 0) AS minimum
        FROM line
        LEFT JOIN customer_terms
            ON
                customer_terms.tenant_id = line.tenant_id
                AND billing_period BETWEEN valid_from AND coalesce(valid_to, billing_period)
    ),

    -- Prices are matched once for all lines that differ in customer and quantity only.
    kind_of_line AS (
        SELECT DISTINCT billing_period, own_list, offering_item, sku, storage_ownership, unit FROM line_with_terms
    ),

    candidate AS (
        SELECT *, unnest(list_distinct([own_list, 'standard'])) AS price_list FROM kind_of_line
    ),

    valid_price AS (
        SELECT billing_period, price_list, sku, offering_item, unit, side, storage_ownership AS price_ownership, file_row
        FROM price_tier_in(month)
        WHERE from_quantity = 0
    ),

    applied AS (
        SELECT
            billing_period,
            own_list,
            offering_item,
            sku,
            storage_ownership,
            unit,
            min_by(file_row, preference) FILTER (side = 'sell') AS sell_row,
            min_by(file_row, preference) FILTER (side = 'buy') AS buy_row
        FROM (
            SELECT *, [price_list <> own_list, is_for_item, price_ownership IS NULL] AS preference
            FROM (
                SELECT candidate.*, side, price_ownership, file_row, false AS is_for_item
                FROM candidate
                JOIN valid_price USING (billing_period, price_list, unit, sku)
                UNION ALL
                SELECT candidate.*, side, price_ownership, file_row, true AS is_for_item
                FROM candidate
                JOIN valid_price USING (billing_period, price_list, unit, offering_item)
            )
            WHERE price_ownership IS NULL OR price_ownership = storage_ownership
        )
        GROUP BY billing_period, own_list, offering_item, sku, storage_ownership, unit
    )

    SELECT line.*, sell_row, buy_row
    FROM line_with_terms AS line
    LEFT JOIN applied
        ON
            applied.billing_period = line.billing_period
            AND applied.own_list = line.own_list
            AND applied.offering_item = line.offering_item
            AND applied.sku IS NOT DISTINCT FROM line.sku
            AND applied.storage_ownership IS NOT DISTINCT FROM line.storage_ownership
            AND applied.unit = line.unit
);

CREATE OR REPLACE VIEW priced_usage AS
FROM priced_usage_in(NULL::DATE);
