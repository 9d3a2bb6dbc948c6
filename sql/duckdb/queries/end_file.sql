-- Ends the live intervals of files that a later version removes or adds again, all at once. Two
-- statements, which take lists: the first finds the rows, with the place of each in the lists, and
-- the second gets the last two columns of what the first found. $1 table_id, $2 path_key, $3 dv_id,
-- $4 that version. At most one row for each.
SELECT a.path, a.size, named.place, a.file_id, named.version
FROM (SELECT unnest($1::UUID[]) AS table_id, unnest($2::BLOB[]) AS path_key,
             unnest($3::VARCHAR[]) AS dv_id, unnest($4::BIGINT[]) AS version,
             unnest(range(len($1))) AS place) AS named
JOIN dl_add_files a
  ON a.table_id = named.table_id AND a.path_key = named.path_key AND a.dv_id = named.dv_id
 AND a.version < named.version
WHERE a.ended_version IS NULL
QUALIFY row_number() OVER (PARTITION BY a.file_id ORDER BY named.place) = 1;

UPDATE dl_add_files SET ended_version = ended.version
FROM (SELECT unnest($1::BIGINT[]) AS file_id, unnest($2::BIGINT[]) AS version) AS ended
WHERE dl_add_files.file_id = ended.file_id
