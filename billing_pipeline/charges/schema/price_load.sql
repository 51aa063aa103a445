-- Audit trail: one row for each price file of each attempt to load the prices.
CREATE TABLE IF NOT EXISTS price_load (
    recorded_at TIMESTAMPTZ NOT NULL,
    file VARCHAR NOT NULL,
    sha256 VARCHAR,
    row_count BIGINT,
    forced BOOLEAN NOT NULL,
    outcome VARCHAR NOT NULL,
    reason VARCHAR
);

COMMENT ON TABLE price_load IS 'One row for each price file of each attempt to load the prices';
COMMENT ON COLUMN price_load.recorded_at IS 'Time of the attempt; the files of one attempt have the same';
COMMENT ON COLUMN price_load.file IS 'sell.csv, buy.csv or customers.csv';
COMMENT ON COLUMN price_load.sha256 IS 'SHA-256 of the file; NULL if it could not be read';
COMMENT ON COLUMN price_load.row_count IS 'Rows of the file without its header; NULL if they could not be read';
COMMENT ON COLUMN price_load.forced IS 'Loaded with prices load --force, which overrides that charges of a closed month change';
COMMENT ON COLUMN price_load.outcome IS 'loaded or refused (nothing of any file was loaded)';
COMMENT ON COLUMN price_load.reason IS 'Why it was refused';
