-- Lets one process publish a mirror until a moment, unless another one may. $1 table_id,
-- $2 mirror_engine, $3 owner, $4 lease_until, $5 now, $6 the owner that has died, or null. One row
-- where it was taken. Index: primary key.
UPDATE dl_mirror_status SET owner = $3, lease_until = $4, last_attempt_at = $5
WHERE table_id = $1 AND mirror_engine = $2
  AND (owner IS NULL OR owner = $3 OR lease_until < $5 OR owner = $6)
