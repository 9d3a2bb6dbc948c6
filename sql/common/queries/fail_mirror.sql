-- A publisher gives up, for now or for good. $1 table_id, $2 mirror_engine, $3 owner,
-- $4 next_state, $5 attempts, $6 last_error, $7 next_attempt_at. One row unless another process
-- has taken over. Index: primary key.
UPDATE dl_mirror_status
SET next_state = $4, attempts = $5, last_error = $6, next_attempt_at = $7, owner = NULL,
    lease_until = NULL
WHERE table_id = $1 AND mirror_engine = $2 AND owner = $3
