-- Files that became live. Takes lists: $1 table_no, $2 file_id, $3 path, $4 size, $5 modification
-- time in ms, $6 partition values as JSON, $7 deletion_vector, $8 num_deleted, $9 is_zoneless,
-- $10 part.
INSERT INTO deltalakedb.files
SELECT table_no, file_id, path, size, epoch_ms(modified) AT TIME ZONE 'UTC',
  from_json(partition_values, '"MAP(VARCHAR,VARCHAR)"'), deletion_vector, num_deleted,
  is_zoneless <> 0, part
FROM (SELECT unnest($1::BIGINT[]) AS table_no, unnest($2::BIGINT[]) AS file_id,
  unnest($3::VARCHAR[]) AS path, unnest($4::BIGINT[]) AS size, unnest($5::BIGINT[]) AS modified,
  unnest($6::VARCHAR[]) AS partition_values, unnest($7::VARCHAR[]) AS deletion_vector,
  unnest($8::BIGINT[]) AS num_deleted, unnest($9::BIGINT[]) AS is_zoneless,
  unnest($10::BIGINT[]) AS part)
