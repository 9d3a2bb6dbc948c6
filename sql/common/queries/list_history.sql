-- What each commit did, newest first. $1 table_id; $2 and $3 the first and last moment, $4 the
-- operation, $5 the most rows, each null when it does not limit. Index: primary key.
SELECT version, timestamp, commit_id, transaction_id, num_added, num_removed, commit_info
FROM dl_table_versions
WHERE table_id = $1 AND body_hash IS NOT NULL AND (CAST($2 AS bigint) IS NULL OR timestamp >= $2)
  AND (CAST($3 AS bigint) IS NULL OR timestamp <= $3)
  AND (CAST($4 AS text) IS NULL OR operation = $4)
ORDER BY version DESC LIMIT coalesce($5, 9223372036854775807)
