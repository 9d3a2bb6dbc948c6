-- Gives the mirrors of a table to the one that takes its place, which has to publish anew. $1 the
-- old table_id, $2 the new one. Index: primary key.
UPDATE dl_mirror_status
SET table_id = $2, published_version = NULL, checkpoint_version = NULL, next_state = 'PENDING',
    attempts = 0, last_error = NULL, next_attempt_at = NULL, owner = NULL, lease_until = NULL
WHERE table_id = $1
