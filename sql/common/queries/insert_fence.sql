-- Lets one attempt of a commit happen and no other. $1 table_id, $2 commit_id, $3 attempt_id,
-- $4 now, µs.
INSERT INTO dl_commit_fences (
       table_id, commit_id, attempt_id, fenced_at)
VALUES ($1, $2, $3, $4)
