-- The deleted rows of such files. Takes a list: $1 file_id.
DELETE FROM deltalakedb.deleted_rows WHERE file_id IN (SELECT unnest($1::BIGINT[]))
