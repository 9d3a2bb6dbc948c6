-- The live files of a table. $1 table_no.
SELECT path, size, epoch_ms(modified_at), to_json(partition_values)::VARCHAR,
  deletion_vector, num_deleted
FROM deltalakedb.files WHERE table_no = $1
