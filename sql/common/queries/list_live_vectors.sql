-- The deletion vectors with which a path's files are live. $1 table_id, $2 path_key. At most a few
-- rows. Index: dl_add_files (table_id, path_key, …); DuckDB compares the keys of all rows.
SELECT dv_id FROM dl_add_files WHERE table_id = $1 AND path_key = $2 AND ended_version IS NULL
