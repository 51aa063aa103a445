-- Adds the totals of a month and account; there must be none of them yet. Rows are summed, not the lines of billable_usage,
-- which would take five times as long and, for millions of rows, more memory than a load has.
INSERT INTO month_totals BY NAME
SELECT
    billing_period,
    account,
    count(DISTINCT tenant_id) FILTER (total <> 0) AS tenants,
    gib(coalesce(sum(production) FILTER (unit = 'GiB' AND storage_ownership = 'acronis'), 0)) AS acronis_gib,
    gib(coalesce(sum(production) FILTER (unit = 'GiB' AND storage_ownership = 'partner'), 0)) AS partner_gib,
    gib(coalesce(sum(production) FILTER (unit = 'GiB' AND offering_item = 'local_storage'), 0)) AS local_gib,
    coalesce(sum(production) FILTER (unit = 'compute points'), 0) AS compute_points
FROM billed_row
WHERE billing_period = $billing_period AND account = $account
GROUP BY billing_period, account
