-- No customer's amount is more than a tenth beyond the range of its six months before.
--
-- Needs at least three months with charges among these six. A customer that is charged nothing any more has the amount 0.
WITH month_amount AS (
    SELECT charge_period, tenant_id, max(tenant_name) AS tenant_name, currency, sum(amount) AS amount
    FROM (
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in($month::DATE)
        UNION ALL
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in(($month::DATE - INTERVAL 1 MONTH)::DATE)
        UNION ALL
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in(($month::DATE - INTERVAL 2 MONTH)::DATE)
        UNION ALL
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in(($month::DATE - INTERVAL 3 MONTH)::DATE)
        UNION ALL
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in(($month::DATE - INTERVAL 4 MONTH)::DATE)
        UNION ALL
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in(($month::DATE - INTERVAL 5 MONTH)::DATE)
        UNION ALL
        SELECT charge_period, tenant_id, tenant_name, currency, amount
        FROM charge_in(($month::DATE - INTERVAL 6 MONTH)::DATE)
    )
    GROUP BY charge_period, tenant_id, currency
),

history AS (
    SELECT
        tenant_id,
        max(tenant_name) AS tenant_name,
        currency,
        min(amount) AS lowest,
        max(amount) AS highest
    FROM month_amount
    WHERE charge_period < $month::DATE
    GROUP BY tenant_id, currency
    HAVING count(*) >= 3
),

compared AS (
    SELECT
        tenant_id,
        coalesce(now.tenant_name, history.tenant_name) AS tenant_name,
        currency,
        coalesce(now.amount, 0)::DECIMAL(38, 2) AS amount,
        lowest,
        highest
    FROM history
    LEFT JOIN (FROM month_amount WHERE charge_period = $month::DATE) AS now USING (tenant_id, currency)
)

SELECT
    concat(
        coalesce(tenant_name, tenant_id::VARCHAR), ': ', amount, ' ', currency, ', before ', lowest, ' to ', highest
    ) AS finding,
    1 AS lines
FROM compared
WHERE
    (amount - highest > 0.1 * abs(highest) OR lowest - amount > 0.1 * abs(lowest))
    -- A month without any charges has a reason of its own.
    AND EXISTS (FROM month_amount WHERE charge_period = $month::DATE)
ORDER BY greatest(amount - highest, lowest - amount) DESC, finding
