-- A new version.
INSERT INTO dl_table_versions (
       table_id, version, timestamp, raw_timestamp, timestamp_source, ratified_at, commit_id,
       transaction_id,
       num_added, num_removed, num_cdc, num_files, size_in_bytes, last_add_id, last_remove_id,
       last_cdc_id, commit_info, operation, body_hash, body_bytes, body_parts, row_hash, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21, $22, $23)
