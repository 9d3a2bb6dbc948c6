-- All rows in a range of file ids as insert_remove_file wrote them, in the order of their texts.
-- The range of a table is read a part at a time. $1 and $2 the first and last file id.
SELECT file_id, table_id, version, origin, path_key, dv_id, path, deletion_timestamp, data_change,
       extended_file_metadata, partition_values, size, stats, tags, dv_storage_type,
       dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, base_row_id,
       default_row_commit_version
FROM dl_remove_files
WHERE file_id BETWEEN $1 AND $2
ORDER BY file_id
