-- What a part lists. $1 table_no, $2 part.
SELECT path FROM deltalakedb.files WHERE table_no = $1 AND part = $2 ORDER BY file_id
