-- A number of bytes that is not negative in GiB, rounded to ten decimals: 10^10 / 2^30 is 625 / 2^26 in millionths of a byte.
CREATE OR REPLACE MACRO gib_of_any(bytes) AS
    (((bytes * 1000000)::HUGEINT * 625 + 33554432) >> 26)::DECIMAL(38, 0) * 0.0000000001::DECIMAL(10, 10);

-- The same. Whole bytes below 900 GB fit into 64 bits, which DuckDB divides ten times faster than 128.
CREATE OR REPLACE MACRO gib_of_positive(bytes) AS
    CASE
        WHEN bytes NOT BETWEEN 0 AND 900000000000 THEN gib_of_any(bytes)
        WHEN bytes::DECIMAL(18, 6)::BIGINT <> bytes::DECIMAL(18, 6) THEN gib_of_any(bytes)
        ELSE ((bytes::DECIMAL(18, 6)::BIGINT * 9765625 + 524288) >> 20) * 0.0000000001::DECIMAL(10, 10)
    END;

-- Bytes in GiB, because 1 GB in Acronis' reports is 1024^3 bytes. Ten decimals resolve a byte. Integer arithmetic, ties
-- rounded away from zero; in millionths of a byte, because a report may have fractions.
CREATE OR REPLACE MACRO gib(bytes) AS
    sign(bytes) * gib_of_positive(abs(bytes));

-- A decimal as text for a message, without zeros at its end.
CREATE OR REPLACE MACRO as_text(amount) AS rtrim(regexp_replace(amount::VARCHAR, '(\.[0-9]*?)0+$', '\1'), '.');

-- Change from `before` to `after` in percent, to one decimal; NULL if `before` is 0.
CREATE OR REPLACE MACRO percent_change(before, after) AS
    CASE WHEN before <> 0 THEN round((after - before)::DOUBLE / abs(before)::DOUBLE * 100, 1) END;

-- CSV injection guard: a text that a spreadsheet would read as a formula (it begins with = + - @, also in full width and
-- after blanks, or with a tab or a line break) gets a leading apostrophe, which marks text.
CREATE OR REPLACE MACRO spreadsheet_text(value) AS
    CASE WHEN regexp_matches(value::VARCHAR, '^([\s\p{Z}\p{C}]*[=+\-@＝＋－＠]|[\t\r\n])') THEN '''' || value::VARCHAR ELSE value::VARCHAR END;

-- Whether a usage row is billed by its change (delta) instead of its level at the end of the period (absolute).
-- `delta_items` is the rule of the row's load, BILLING_DELTA_ITEMS. Compute points are always billed by their change.
CREATE OR REPLACE MACRO is_billed_by_delta(is_range, measurement_unit, delta_items) AS
    measurement_unit = 'seconds' OR (is_range AND coalesce(delta_items, 'accumulating') = 'accumulating');

-- The unknown fields of a row that are no lists or objects, as JSON: [[name, value], …], sorted; NULL without any. Rows
-- that differ in one of them are no duplicates. Known fields are in `extra` only if their column does not hold the value.
CREATE OR REPLACE MACRO unknown_scalars(extra) AS
    CASE
        WHEN extra IS NOT NULL
            THEN
                nullif(
                    to_json(
                        list_sort(
                            list_transform(
                                list_filter(
                                    map_entries(extra::MAP(VARCHAR, JSON)),
                                    lambda field: json_type(field.value) NOT IN ('OBJECT', 'ARRAY', 'NULL')
                                    AND NOT regexp_full_match(
                                        field.key,
                                        'usage\.effective\.(production|trial|total)|quota\.value|pricing\.(currency|mode|price|total_cost)'
                                        || '|application\.name|infra\.(backend_type|name)|tenant\.(customer_id|name)'
                                    )
                                ),
                                lambda field: [field.key, field.value->>'$']
                            )
                        )
                    )::VARCHAR,
                    '[]'
                )
    END;

-- The key of a time series: the natural key without the date. Takes a row: usage_series(usage).
CREATE OR REPLACE MACRO usage_series(r) AS {
    'tenant_id': r.tenant_id,
    'application_id': r.application_id,
    'offering_item': r.offering_item,
    'edition': r.edition,
    'infra_id': r.infra_id,
    'sku': r.sku,
    'billing_model': r.billing_model,
    'storage_type': r.storage_type,
    'pricing_tier_id': r.pricing_tier_id,
    'other_fields': unknown_scalars(r.extra)
};

-- The natural key of a usage row, unique within its period and account.
CREATE OR REPLACE MACRO natural_key(r) AS {'usage_date': r.usage_date, 'series': usage_series(r)};

-- A kind of tenant as it is compared: without case and the blanks around it.
CREATE OR REPLACE MACRO kind_of_tenant(tenant_kind) AS lower(trim(tenant_kind, E' \t\r\n'));

-- Whether a row counts on its day: changes of all days, but levels of the last day only, where a report has daily rows.
-- `report_kind` is that of the report, NULL is usage_summary; `delta_items` is the rule of the load.
CREATE OR REPLACE MACRO counts_on_its_day(is_range, measurement_unit, usage_date, period_end, report_kind, delta_items) AS
    is_billed_by_delta(is_range, measurement_unit, delta_items)
    OR usage_date = period_end
    OR coalesce(report_kind, 'usage_summary') NOT IN ('usage_daily', 'usage_breakdown');

-- The rule that excludes a row from the bill; NULL if the row is billed. `report_level` is that of the report, NULL is
-- direct_partners; `is_counted` is whether the row counts on its day. `unknown kind of tenant` is no rule: no rule decides
-- about such a row.
CREATE OR REPLACE MACRO billing_exclusion(tenant_id, root_tenant_id, tenant_kind, report_level, is_counted) AS CASE
    WHEN coalesce(report_level, 'direct_partners') = 'direct_partners' AND tenant_id = root_tenant_id
        THEN 'own row of the report''s tenant'
    WHEN report_level = 'all_partners' THEN 'level all_partners'
    WHEN report_level = 'itself' AND tenant_id <> root_tenant_id THEN 'another tenant than the report''s'
    WHEN report_level NOT IN ('direct_partners', 'itself') AND kind_of_tenant(tenant_kind) IS DISTINCT FROM 'customer'
        THEN
            CASE
                WHEN tenant_id = root_tenant_id THEN 'own row of the report''s tenant'
                WHEN kind_of_tenant(tenant_kind) IN ('root', 'partner', 'folder') THEN 'total of the tenants below'
                WHEN kind_of_tenant(tenant_kind) = 'unit' THEN 'part of its customer'
                ELSE 'unknown kind of tenant'
            END
    WHEN NOT is_counted THEN 'level of an earlier day'
END;

-- The latest month that is loaded: `WHERE billing_period = latest_month()`.
CREATE OR REPLACE MACRO latest_month() AS (SELECT max(billing_period) FROM load_history WHERE outcome = 'loaded');
