-- All rows in a range of file ids as insert_cdc_file wrote them, in the order of their texts. The
-- range of a table is read a part at a time. $1 and $2 the first and last file id.
SELECT file_id, table_id, version, path_key, path, partition_values, size, data_change, tags
FROM dl_cdc_files
WHERE file_id BETWEEN $1 AND $2
ORDER BY file_id
