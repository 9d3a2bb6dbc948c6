-- When a mirror counts as too far behind. $1 table_id, $2 mirror_engine, $3 alert_versions,
-- $4 alert_seconds. One row. Index: primary key.
UPDATE dl_mirror_status SET alert_versions = $3, alert_seconds = $4
WHERE table_id = $1 AND mirror_engine = $2
