-- Takes lists: $1 file_id, $2 position.
INSERT INTO deltalakedb.deleted_rows
SELECT unnest($1::BIGINT[]), unnest($2::BIGINT[])
