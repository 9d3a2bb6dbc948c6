-- What the live files of a table are found by. $1 table_id. Every live file, in no order.
SELECT path_key, dv_id, file_id, version, size, path
FROM dl_add_files WHERE table_id = $1 AND ended_version IS NULL
