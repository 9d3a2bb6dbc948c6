-- All files of a table, to make them anew. $1 table_no.
DELETE FROM deltalakedb.files WHERE table_no = $1
