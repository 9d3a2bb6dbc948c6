-- What the file has of a table. $1 table_id. At most one row.
SELECT table_no, view_name, location, version, epoch_ms(committed_at), definition
FROM deltalakedb.tables WHERE table_id = $1
