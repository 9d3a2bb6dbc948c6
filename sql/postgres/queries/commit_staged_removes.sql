-- The removes of a commit, after commit_staged_version. $1 table_id, $2 staging_id. Indexes:
-- primary keys, and that on staging_id.
INSERT INTO dl_remove_files (
       file_id, table_id, version, origin, path_key, dv_id, path, deletion_timestamp, data_change,
       extended_file_metadata, partition_values, size, stats, tags, dv_storage_type,
       dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, base_row_id,
       default_row_commit_version)
SELECT v.last_remove_id - v.num_removed + n.number, $1, v.version, 0, n.path_key, n.dv_id, n.path,
       n.deletion_timestamp, n.data_change, n.extended_file_metadata, n.partition_values, n.size,
       n.stats, n.tags, n.dv_storage_type, n.dv_path_or_inline, n.dv_offset, n.dv_size_in_bytes,
       n.dv_cardinality, n.base_row_id, n.default_row_commit_version
FROM dl_tables t
CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                    WHERE table_id = $1 AND version >= t.current_version
                    ORDER BY version LIMIT 1) v,
     dl_staged_remove_files n
WHERE t.table_id = $1 AND n.staging_id = $2
