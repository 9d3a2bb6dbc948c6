-- A file that a large commit is about to add.
INSERT INTO dl_staged_add_files (
       staging_id, number, path_key, dv_id, path, partition_values, size, modification_time,
       data_change, stats, tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes,
       dv_cardinality, base_row_id, default_row_commit_version, clustering_provider)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
