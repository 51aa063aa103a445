-- Which version of the tables, macros and views is in this file: a hash over their definitions.
CREATE TABLE IF NOT EXISTS schema_version (fingerprint VARCHAR NOT NULL)
