-- The last version committed at a moment or before, among the versions $2 to $3. $1 table_id, $4
-- the
-- moment. At most one row. Index: dl_table_versions_timestamp.
SELECT version FROM dl_table_versions
WHERE table_id = $1 AND version BETWEEN $2 AND $3 AND timestamp <= $4
ORDER BY timestamp DESC, version DESC LIMIT 1
