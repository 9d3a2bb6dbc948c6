-- Those of a table's live files that are among these paths. Takes lists: $1 table_no, $2 path.
SELECT path, file_id, deletion_vector, part FROM deltalakedb.files
JOIN (SELECT unnest($1::BIGINT[]) AS wanted_table, unnest($2::VARCHAR[]) AS wanted_path) AS wanted
  ON table_no = wanted_table AND path = wanted_path
