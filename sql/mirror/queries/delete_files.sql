-- Files that are no longer live. Takes a list: $1 file_id.
DELETE FROM deltalakedb.files WHERE file_id IN (SELECT unnest($1::BIGINT[]))
