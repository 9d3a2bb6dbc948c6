-- The live files of a version, in no order. $1 table_id, $2 version. Index: table_id in front, or
-- all rows where most of them are the table's.
SELECT path, partition_values, size, modification_time, data_change, NULL::text AS stats, tags,
       dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality,
       base_row_id, default_row_commit_version, clustering_provider
FROM dl_add_files
WHERE table_id = $1
  AND file_id <= (SELECT last_add_id FROM dl_table_versions
                  WHERE table_id = $1 AND version >= $2 ORDER BY version LIMIT 1)
  AND (ended_version IS NULL OR ended_version > $2)
