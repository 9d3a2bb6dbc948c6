-- Moves a table on. $1 table_no, $2 view_name, $3 location, $4 version, $5 time in ms,
-- $6 definition.
UPDATE deltalakedb.tables SET view_name = $2, location = $3, version = $4,
  committed_at = epoch_ms($5::BIGINT) AT TIME ZONE 'UTC', definition = $6
WHERE table_no = $1
