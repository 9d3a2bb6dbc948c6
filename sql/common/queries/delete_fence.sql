-- Takes a commit's fence away. $1 table_id, $2 commit_id. Index: primary key.
DELETE FROM dl_commit_fences WHERE table_id = $1 AND commit_id = $2
