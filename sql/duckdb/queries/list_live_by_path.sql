-- The live files that have one of the paths, found in one go. Takes lists: $1 table_id, the same in
-- all, $2 path_key. The number of the path from 0, and the file. Compares the keys of all rows.
SELECT file_id, dv_id, size, path, number
FROM dl_add_files
JOIN (SELECT unnest($1::BLOB[]) AS id, unnest($2::BLOB[]) AS key,
             generate_subscripts($2::BLOB[], 1) - 1 AS number) AS named
  ON named.key = dl_add_files.path_key
WHERE dl_add_files.table_id = $1[1]::UUID AND dl_add_files.ended_version IS NULL
