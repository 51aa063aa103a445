-- Bytes in GiB, because 1 GB in Acronis' reports is 1024^3 bytes. Ten decimals resolve a byte. Integer arithmetic, ties
-- rounded away from zero.
CREATE OR REPLACE MACRO gib(bytes) AS
    (sign(bytes)::HUGEINT * ((abs(bytes)::HUGEINT * 20000000000 + 1073741824) // 2147483648))::DECIMAL(38, 0)
    * 0.0000000001::DECIMAL(10, 10);

-- Change from `before` to `after` in percent, to one decimal; NULL if `before` is 0.
CREATE OR REPLACE MACRO percent_change(before, after) AS
    CASE WHEN before <> 0 THEN round((after - before)::DOUBLE / abs(before)::DOUBLE * 100, 1) END;

-- CSV injection guard: a text that a spreadsheet would read as a formula (it begins with = + - @, also in full width, a
-- tab or a line break) gets a leading apostrophe, which marks text.
CREATE OR REPLACE MACRO spreadsheet_text(value) AS
    CASE WHEN regexp_matches(value::VARCHAR, '^[=+\-@\t\r\n＝＋－＠]') THEN '''' || value::VARCHAR ELSE value::VARCHAR END;

-- Whether a usage row is billed by its change (delta) instead of its level at the end of the period (absolute).
-- `delta_items` is the rule of the row's load, BILLING_DELTA_ITEMS. Compute points are always billed by their change.
CREATE OR REPLACE MACRO is_billed_by_delta(is_range, measurement_unit, delta_items) AS
    is_range AND (measurement_unit = 'seconds' OR coalesce(delta_items, 'accumulating') = 'accumulating');

-- The key of a time series: the natural key without the date. Takes a row: usage_series(usage).
CREATE OR REPLACE MACRO usage_series(r) AS {
    'tenant_id': r.tenant_id,
    'application_id': r.application_id,
    'offering_item': r.offering_item,
    'edition': r.edition,
    'infra_id': r.infra_id,
    'sku': r.sku
};

-- The natural key of a usage row, unique within its period and account.
CREATE OR REPLACE MACRO natural_key(r) AS {'usage_date': r.usage_date, 'series': usage_series(r)};
