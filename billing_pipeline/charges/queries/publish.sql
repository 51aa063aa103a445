-- Replaces the prices and terms by the new ones.
DELETE FROM price;
INSERT INTO price BY NAME FROM new_price ORDER BY side, file_row;
DELETE FROM customer_terms;
INSERT INTO customer_terms BY NAME FROM new_terms ORDER BY tenant_id, valid_from;
