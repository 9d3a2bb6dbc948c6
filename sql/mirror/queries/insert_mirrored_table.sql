-- Begins a table. $1 table_no, $2 table_id, $3 view_name, $4 location, $5 version, $6 time in ms,
-- $7 definition.
INSERT INTO deltalakedb.tables
SELECT $1, $2, $3, $4, $5, epoch_ms($6::BIGINT) AT TIME ZONE 'UTC', $7
