-- The metaData of a commit, after commit_advance. $1 table_id; lists: $2 key, $3 value.
INSERT INTO dl_metadata_updates (table_id, version, key, value)
SELECT $1, t.current_version, n.key, n.value
FROM dl_tables t, unnest($2::text[], $3::text[]) AS n (key, value)
WHERE t.table_id = $1
