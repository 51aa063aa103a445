-- Adds the totals of a month and account with billable usage; there must be none of them yet.
INSERT INTO month_totals BY NAME
WITH tenant AS (
    -- By rows: adding up the lines of all items would take three times as long.
    SELECT count(*) AS billed_rows, count(DISTINCT tenant_id) FILTER (total <> 0) AS tenants
    FROM billed_row
    WHERE billing_period = $billing_period AND account = $account
)

SELECT
    $billing_period AS billing_period,
    $account AS account,
    any_value(tenants) AS tenants,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis'), 0) AS acronis_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'partner'), 0) AS partner_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND offering_item = 'local_storage'), 0) AS local_gib,
    coalesce(sum(quantity) FILTER (unit = 'compute points'), 0) AS compute_points
FROM tenant
LEFT JOIN billable_usage ON
    billing_period = $billing_period AND account = $account AND unit IN ('GiB', 'compute points')
WHERE billed_rows > 0
HAVING count(*) > 0
