-- The same at the end of publishing. $1 table_id, $2 mirror_engine, $3 owner,
-- $4 published_version, $5 checkpoint_version, $6 now. One row unless another process has taken
-- over. Index: primary key.
UPDATE dl_mirror_status
SET published_version = $4, checkpoint_version = $5, next_state = 'PENDING', attempts = 0,
    last_error = NULL, next_attempt_at = NULL, last_success_at = $6, owner = NULL,
    lease_until = NULL
WHERE table_id = $1 AND mirror_engine = $2 AND owner = $3
