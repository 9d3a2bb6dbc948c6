-- The live files of a version that have a path, as scan_live_files has them. $1 table_id,
-- $2 path_key, $3 version. One row at most per deletion vector, so one as a rule. Index:
-- dl_add_files (table_id, path_key, …); DuckDB compares the keys of all rows.
SELECT path, partition_values, size, modification_time, data_change, stats, tags,
       dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality,
       base_row_id, default_row_commit_version, clustering_provider
FROM dl_add_files
WHERE table_id = $1 AND path_key = $2 AND version <= $3
  AND (ended_version IS NULL OR ended_version > $3)
