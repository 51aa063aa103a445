-- What is each tenant billed for in a month: how much of which offering item and SKU, on whose storage?
--
-- `quantity` is production, `quantity_trial` is trial, `quantity_total` is both: the sums of the billed rows (view
-- billed_row), by the ownership of a tenant's storages. Bytes become GiB.
-- `comparable_usage` has the same lines with the column `month_after`, for views that compare months.
CREATE OR REPLACE VIEW comparable_usage AS
WITH summed AS (
    SELECT
        billing_period,
        month_after,
        account,
        root_tenant_id,
        tenant_id,
        max(tenant_name) AS tenant_name,
        max(tenant_kind) AS tenant_kind,
        max(customer_id) AS customer_id,
        application_name,
        offering_item,
        edition,
        sku,
        storage_ownership,
        unit,
        sum(production) AS production,
        sum(trial) AS trial,
        sum(total) AS total,
        count(*) AS usage_rows
    FROM billed_row
    GROUP BY ALL
)

-- CASE, because DuckDB 1.5 cannot read if(…) as version 2.0 stores it in a view.
SELECT
    * EXCLUDE (month_after, production, trial, total, usage_rows),
    CASE WHEN unit = 'GiB' THEN gib(production) ELSE production::DECIMAL(38, 10) END AS quantity,
    CASE WHEN unit = 'GiB' THEN gib(trial) ELSE trial::DECIMAL(38, 10) END AS quantity_trial,
    CASE WHEN unit = 'GiB' THEN gib(total) ELSE total::DECIMAL(38, 10) END AS quantity_total,
    usage_rows,
    month_after
FROM summed;

CREATE OR REPLACE VIEW billable_usage AS
SELECT * EXCLUDE (month_after)
FROM comparable_usage;
