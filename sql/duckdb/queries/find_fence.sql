-- Which attempt of a commit may still happen. $1 table_id, $2 commit_id. At most one row. Index:
-- primary key.
SELECT coalesce(attempt_id, '') FROM dl_commit_fences WHERE table_id = $1 AND commit_id = $2
