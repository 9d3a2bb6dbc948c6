-- The live files of a version, in no order. $1 table_id, $2 version. Blocks of other tables are
-- left out by the smallest and largest table_id in them.
SELECT path, partition_values, size, modification_time, data_change, stats, tags,
       dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality,
       base_row_id, default_row_commit_version, clustering_provider
FROM dl_add_files
WHERE table_id = $1
  AND file_id <= (SELECT max(last_add_id) FROM dl_table_versions
                  WHERE table_id = $1 AND version = $2)
  AND (ended_version IS NULL OR ended_version > $2)
