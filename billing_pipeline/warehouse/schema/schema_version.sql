-- The version of the tables, macros and views in this database: a hash of their definitions.
CREATE TABLE IF NOT EXISTS schema_version (fingerprint VARCHAR NOT NULL)
