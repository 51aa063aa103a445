-- Empty tables for the rows of the price files, until they replace those of the last load.
CREATE OR REPLACE TEMPORARY TABLE new_price AS FROM price LIMIT 0;
CREATE OR REPLACE TEMPORARY TABLE new_terms AS FROM customer_terms LIMIT 0;
