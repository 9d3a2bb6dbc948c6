-- The file of a commit that adds one, after commit_append_version. $1 table_id; $2 to $18 the file.
-- Indexes: primary keys.
INSERT INTO dl_add_files (
       file_id, table_id, version, origin, path_key, dv_id, path, partition_values, size,
       modification_time, data_change, stats, tags, dv_storage_type, dv_path_or_inline, dv_offset,
       dv_size_in_bytes, dv_cardinality, base_row_id, default_row_commit_version,
       clustering_provider)
SELECT v.last_add_id, $1, v.version, 0, $2, $3, $4, $5, $6, $7, $8::text::boolean, $9, $10, $11,
       $12, $13, $14, $15, $16, $17, $18
FROM dl_tables t
CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                    WHERE table_id = $1 AND version >= t.current_version
                    ORDER BY version LIMIT 1) v
WHERE t.table_id = $1
