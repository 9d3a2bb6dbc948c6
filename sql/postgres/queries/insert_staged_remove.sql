-- A file that a large commit is about to remove.
INSERT INTO dl_staged_remove_files (
       staging_id, number, path_key, dv_id, path, deletion_timestamp, data_change,
       extended_file_metadata, partition_values, size, stats, tags, dv_storage_type,
       dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, base_row_id,
       default_row_commit_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
