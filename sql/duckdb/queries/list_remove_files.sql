-- All rows of a table as insert_remove_file wrote them, in the order of its texts. $1 table_id.
SELECT file_id, table_id, version, origin, path_key, dv_id, path, deletion_timestamp, data_change,
       extended_file_metadata, partition_values, size, stats, tags, dv_storage_type,
       dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, base_row_id,
       default_row_commit_version
FROM dl_remove_files
WHERE file_id BETWEEN (SELECT min(first_file_id) FROM dl_tables WHERE table_id = $1)
                  AND (SELECT max(first_file_id) + 1099511627775 FROM dl_tables WHERE table_id = $1)
ORDER BY file_id
