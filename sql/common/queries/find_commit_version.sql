-- The version that a commit became. $1 table_id, $2 commit_id. At most one row. Index: (table_id,
-- commit_id).
SELECT version, timestamp FROM dl_table_versions WHERE table_id = $1 AND commit_id = $2
