-- The path of a file as it is written in its row. $1 table_id, $2 file_id. At most one row.
SELECT path FROM dl_add_files WHERE table_id = $1 AND file_id = $2
