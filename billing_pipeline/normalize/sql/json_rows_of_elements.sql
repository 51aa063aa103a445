-- Each element has a list of rows, and what they have in common.
SELECT * EXCLUDE ({rows_key}), unnest({rows_key}) AS usage_row
FROM ({elements}) AS elements
