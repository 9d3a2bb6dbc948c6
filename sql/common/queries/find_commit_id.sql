-- Whether a table has a commit of this id. $1 table_id, $2 commit_id. At most one row. Index:
-- dl_table_versions (table_id, commit_id).
SELECT version FROM dl_table_versions WHERE table_id = $1 AND commit_id = $2
