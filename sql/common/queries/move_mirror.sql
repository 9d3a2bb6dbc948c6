-- Lets a mirror begin again at a place, or where it is. $1 table_id, $2 mirror_engine, $3 place,
-- $4 absolute_paths, $5 now. One row. Index: primary key.
UPDATE dl_mirror_status
SET place = $3, absolute_paths = $4, published_version = NULL, checkpoint_version = NULL,
    next_state = 'PENDING', attempts = 0, last_error = NULL, next_attempt_at = NULL,
    added_at = $5, owner = NULL, lease_until = NULL
WHERE table_id = $1 AND mirror_engine = $2
