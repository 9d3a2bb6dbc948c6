-- The deleted rows of a table's files. $1 table_no.
DELETE FROM deltalakedb.deleted_rows
WHERE file_id IN (SELECT file_id FROM deltalakedb.files WHERE table_no = $1)
