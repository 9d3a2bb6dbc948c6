-- A version without its body. $1 table_id, $2 version. At most one row. Index: primary key, which
-- the order asks for: without statistics the planner takes any index that begins with table_id.
SELECT version, timestamp, raw_timestamp, timestamp_source, ratified_at, commit_id, transaction_id,
       num_added, num_removed, num_cdc, num_files, size_in_bytes, last_add_id, last_remove_id,
       last_cdc_id, commit_info, operation, body_hash, body_bytes, body_parts, row_hash
FROM (SELECT * FROM dl_table_versions WHERE table_id = $1 AND version >= $2
      ORDER BY version LIMIT 1) v
WHERE version = $2
