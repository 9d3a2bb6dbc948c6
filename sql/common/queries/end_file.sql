-- Ends the live interval of a file that a later version removes or adds again. $1 table_id,
-- $2 path_key, $3 dv_id, $4 that version. At most one row. Index: dl_add_files (table_id,
-- path_key, …).
UPDATE dl_add_files SET ended_version = $4
WHERE table_id = $1 AND path_key = $2 AND dv_id = $3 AND version < $4 AND ended_version IS NULL
RETURNING path, size
