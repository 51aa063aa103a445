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
            rounded_quantity(sum(quantity)) AS quantity
        FROM (
            SELECT *
            FROM billable_usage
            WHERE unit = 'GiB'
            UNION ALL BY NAME
            -- Without GiB, which are rounded, the rows have the same sums, and are not summed twice.
            SELECT *, production AS quantity
            FROM billed_row
            WHERE unit <> 'GiB'
        )
        WHERE month IS NULL OR billing_period = month
        GROUP BY billing_period, account, tenant_id, offering_item, sku, storage_ownership, unit
        -- Half a hundredth is rounded away from zero. Rounding only what is kept saves a second of a million lines.
        HAVING sum(quantity) >= 0.005 OR sum(quantity) <= -0.005
    ),

    item AS (
        SELECT DISTINCT billing_period, offering_item, sku
        FROM usage
        WHERE month IS NULL OR billing_period = month
    ),

    valid_price AS (
        SELECT billing_period, side, price_list, sku, offering_item, storage_ownership AS price_ownership, unit, file_row
        FROM price_tier_in(month)
        WHERE from_quantity = 0
    ),

    for_item AS (
        SELECT item.*, side, price_list, price_ownership, unit, file_row, false AS is_for_any_sku
        FROM item
        JOIN valid_price USING (billing_period, sku)
        UNION ALL
        SELECT item.*, side, price_list, price_ownership, unit, file_row, true AS is_for_any_sku
        FROM item
        JOIN valid_price USING (billing_period, offering_item)
    ),

    -- The price of each list, before it is known which customers have the list.
    list_price AS (
        SELECT
            billing_period,
            price_list,
            offering_item,
            sku,
            storage_ownership,
            unit,
            min_by(file_row, [is_for_any_sku, price_ownership IS NULL]) FILTER (side = 'sell') AS sell_row,
            min_by(file_row, [is_for_any_sku, price_ownership IS NULL]) FILTER (side = 'buy') AS buy_row
        FROM for_item
        CROSS JOIN (SELECT unnest(['acronis', 'partner', NULL]) AS storage_ownership)
        WHERE price_ownership IS NULL OR price_ownership = storage_ownership
        GROUP BY billing_period, price_list, offering_item, sku, storage_ownership, unit
    )

    SELECT
        line.*,
        coalesce(terms.price_list, 'standard') AS own_list,
        coalesce(discount_percent, 0) AS discount_percent,
        coalesce(minimum, 0) AS minimum,
        coalesce(own.sell_row, standard.sell_row) AS sell_row,
        coalesce(own.buy_row, standard.buy_row) AS buy_row
    FROM line
    LEFT JOIN customer_terms AS terms
        ON
            terms.tenant_id = line.tenant_id
            AND line.billing_period BETWEEN terms.valid_from AND coalesce(terms.valid_to, line.billing_period)
    LEFT JOIN list_price AS own
        ON
            own.billing_period = line.billing_period
            AND own.price_list = terms.price_list
            AND own.offering_item = line.offering_item
            AND own.sku IS NOT DISTINCT FROM line.sku
            AND own.storage_ownership IS NOT DISTINCT FROM line.storage_ownership
            AND own.unit = line.unit
    LEFT JOIN list_price AS standard
        ON
            standard.billing_period = line.billing_period
            AND standard.price_list = 'standard'
            AND standard.offering_item = line.offering_item
            AND standard.sku IS NOT DISTINCT FROM line.sku
            AND standard.storage_ownership IS NOT DISTINCT FROM line.storage_ownership
            AND standard.unit = line.unit
);

CREATE OR REPLACE VIEW priced_usage AS
FROM priced_usage_in(NULL::DATE);
