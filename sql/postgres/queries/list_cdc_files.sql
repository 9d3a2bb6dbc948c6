-- All rows of a table as insert_cdc_file wrote them, in the order of its texts. $1 table_id. Index:
-- primary key, sorted.
SELECT file_id, table_id, version, path_key, path, partition_values, size, data_change, tags
FROM dl_cdc_files
WHERE table_id = $1 ORDER BY file_id
