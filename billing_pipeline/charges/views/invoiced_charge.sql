-- What has been invoiced of each month's charges so far, line by line?
--
-- The lines of `invoice_line` without those that were voided or reversed. Of a closed month they are what `charge` was
-- when its charges were last frozen.
--
-- For a single month (a DATE) use invoiced_charge_in(month): it reads only that month.
CREATE OR REPLACE MACRO invoiced_charge_in(month) AS TABLE (
    WITH invoiced AS (
        SELECT
            charge_period,
            tenant_id,
            line_kind,
            offering_item,
            sku,
            storage_ownership,
            unit,
            from_quantity,
            sum(quantity)::DECIMAL(18, 2) AS quantity,
            unit_price,
            currency,
            sum(amount)::DECIMAL(18, 2) AS amount,
            -- What does not decide on the amount is that of the line that was not reversed.
            last(struct_pack(
                account, tenant_name, customer_id, list_unit_price, cost, cost_currency, description, price_list, price_row,
                report_id, price_sha256
            ) ORDER BY closed_at) FILTER (entry <> 'reversal') AS others
        FROM invoice_line
        WHERE voided_at IS NULL AND (month IS NULL OR charge_period = month)
        GROUP BY
            charge_period, tenant_id, line_kind, offering_item, sku, storage_ownership, unit, from_quantity, unit_price,
            currency
        HAVING sum(quantity) <> 0
    )

    SELECT * EXCLUDE (others), unnest(others)
    FROM invoiced
);

CREATE OR REPLACE VIEW invoiced_charge AS
FROM invoiced_charge_in(NULL::DATE);
