-- One period of a table or view as CSV: header, UTF-8, a comma between values, decimals with all their digits.
COPY (
    SELECT {columns}
    FROM {table}
    WHERE billing_period = DATE '{day}'
    ORDER BY {order}
) TO {path} (FORMAT csv, HEADER true, DELIMITER ',')
