-- Conversion expressions, named as in fields.py. Each converts one field of a report into one column, exactly, or
-- refuses the row. {value} is the field; {complaint} is the start of an error message that names row, field and value.

-- text
-- CSV does not distinguish an empty text from none, so JSON must not either.
nullif({value}, '')

-- required_text
CASE WHEN {value} <> '' THEN {value} ELSE error({complaint} || 'which is empty or missing') END

-- given
CASE WHEN {value} IS NOT NULL THEN {value} ELSE error({complaint} || 'which is missing') END

-- unit
-- The units that the billing rules know are recognised without case and the blanks around them; others stay as reported.
CASE lower(trim({value}, E' \t\r\n'))
    WHEN 'bytes' THEN 'bytes'
    WHEN 'seconds' THEN 'seconds'
    WHEN 'quantity' THEN 'quantity'
    WHEN '' THEN 'quantity'
    WHEN 'n/a' THEN 'quantity'
    ELSE coalesce({value}, 'quantity')
END

-- uuid
CASE
    WHEN {value} <> '' THEN coalesce(try_cast({value} AS UUID), error({complaint} || 'which is not a UUID'))
END

-- required_uuid
CASE
    WHEN {value} <> '' THEN coalesce(try_cast({value} AS UUID), error({complaint} || 'which is not a UUID'))
    ELSE error({complaint} || 'which is missing')
END

-- date
-- A day in the period that the report covers, as YYYY-MM-DD only. The last day, by far the most frequent, goes first.
CASE
    WHEN {value} = '{last_day}' THEN DATE '{last_day}'
    WHEN
        try_cast({value} AS DATE) BETWEEN DATE '{first_day}' AND DATE '{last_day}'
        AND {value} = try_cast({value} AS DATE)::VARCHAR
        THEN {value}::DATE
    ELSE error({complaint} || 'which is not a day from {first_day} to {last_day}')
END

-- quantity
nullif({value}, '')::DECIMAL(38, 6)

-- money
nullif({value}, '')::DECIMAL(38, 12)

-- compute_points
-- Seconds / 3600, rounded to 2 decimals, ties away from zero. Integer arithmetic, because binary floats misround ties:
-- a hundredth of a point is 36 seconds, so the result is sign(seconds) * ((|seconds| + 18) // 36) hundredths.
CASE
    WHEN lower(trim("measurement_unit", E' \t\r\n')) = 'seconds'
        THEN
            CASE
                WHEN abs({value}::DECIMAL(28, 6)) < 35999999999999999982
                    THEN (sign({value}) * ((floor(abs({value}::DECIMAL(28, 6)))::HUGEINT + 18) // 36))::DECIMAL(18, 0) * 0.01::DECIMAL(3, 2)
                ELSE error({complaint} || 'which is more compute points than DECIMAL(18, 2) holds')
            END
END

-- as_is
{value}

-- csv_flag
CASE lower({value})
    WHEN 'true' THEN true
    WHEN 'false' THEN false
    ELSE error({complaint} || 'which is not {description}')
END

-- number
-- NULL unless the column holds it exactly. A cast would round, so the decimals are counted first: those that are written,
-- less the exponent.
CASE
    WHEN regexp_full_match({value}, '-?0*[0-9]{{1,{digits}}}(\.[0-9]{{1,{decimals}}}0*)?')
        THEN {value}::DECIMAL({width}, {decimals})
    WHEN regexp_full_match({value}, '-?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{{1,3}}')
        THEN
            CASE
                WHEN
                    length(regexp_extract({value}, '\.([0-9]*?)0*[eE]', 1))
                    - regexp_extract({value}, '[eE]\+?(.*)', 1)::INTEGER <= {decimals}
                    THEN try_cast({value} AS DECIMAL({width}, {decimals}))
            END
END

-- billed_number
coalesce(
    {number},
    error({complaint} || if({value} IS NULL, 'which is missing', 'which is not {description}'))
)
