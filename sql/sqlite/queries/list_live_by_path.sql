-- The live files that have a path. $1 table_id, $2 path_key. At most one row for each deletion
-- vector, so one as a rule. Index: dl_add_files (table_id, path_key, …).
SELECT file_id, dv_id, size, path
FROM dl_add_files WHERE table_id = $1 AND path_key = $2 AND ended_version IS NULL
