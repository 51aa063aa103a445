-- Adds the totals of a month and account with billable usage; there must be none of them yet.
INSERT INTO month_totals BY NAME
SELECT
    billing_period,
    account,
    count(DISTINCT tenant_id) FILTER (quantity_total <> 0) AS tenants,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis'), 0) AS acronis_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'partner'), 0) AS partner_gib,
    coalesce(sum(quantity) FILTER (unit = 'GiB' AND offering_item = 'local_storage'), 0) AS local_gib,
    coalesce(sum(quantity) FILTER (unit = 'compute points'), 0) AS compute_points
FROM billable_usage
WHERE billing_period = $billing_period AND account = $account
GROUP BY billing_period, account
