-- Begins a mirror. $1 table_id, $2 mirror_engine, $3 place, $4 absolute_paths, $5 next_state,
-- $6 attempts, $7 added_at, $8 alert_versions, $9 alert_seconds.
INSERT INTO dl_mirror_status (
       table_id, mirror_engine, place, absolute_paths, next_state, attempts, added_at,
       alert_versions, alert_seconds)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
