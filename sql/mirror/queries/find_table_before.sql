-- The table that another one replaced in its catalog: of the same view and location, under another
-- id. $1 view_name, $2 location, $3 table_id. At most one row. Columns as find_mirrored_table.
SELECT table_no, view_name, location, version, epoch_ms(committed_at), definition
FROM deltalakedb.tables WHERE view_name = $1 AND location = $2 AND table_id <> $3
