-- Ends the live interval of a file. $1 file_id, $2 the version with which it ends. Index: the order
-- of rows.
UPDATE dl_add_files SET ended_version = $2 WHERE file_id = $1
