-- 1 GB in Acronis' reports is 1024^3 bytes. Ten decimals are finer than a byte; rounded half away from zero, in integers.
CREATE OR REPLACE MACRO gib(bytes) AS
    (sign(bytes)::HUGEINT * ((abs(bytes)::HUGEINT * 20000000000 + 1073741824) // 2147483648))::DECIMAL(38, 0)
    * 0.0000000001::DECIMAL(10, 10);

-- Percentage that `after` is above `before`, to one decimal; NULL where there was nothing before.
CREATE OR REPLACE MACRO percent_change(before, after) AS
    CASE WHEN before <> 0 THEN round((after - before)::DOUBLE / abs(before)::DOUBLE * 100, 1) END;

-- A text as it is safe in a spreadsheet: one that begins like a formula (= + - @, also in full width, a tab or a line
-- break) gets an apostrophe before it, which marks text.
CREATE OR REPLACE MACRO spreadsheet_text(value) AS
    CASE WHEN regexp_matches(value::VARCHAR, '^[=+\-@\t\r\n＝＋－＠]') THEN '''' || value::VARCHAR ELSE value::VARCHAR END;

-- What is measured, the same in every month. Takes a row: usage_series(usage).
CREATE OR REPLACE MACRO usage_series(r) AS {
    'tenant_id': r.tenant_id,
    'application_id': r.application_id,
    'offering_item': r.offering_item,
    'edition': r.edition,
    'infra_id': r.infra_id,
    'sku': r.sku
};

-- The natural key of a usage row within its period and account: no report has two rows of one key.
CREATE OR REPLACE MACRO natural_key(r) AS {'usage_date': r.usage_date, 'series': usage_series(r)};
