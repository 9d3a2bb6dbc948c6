-- All rows of a table as insert_cdc_file wrote them, in the order of its texts. $1 table_id.
SELECT file_id, table_id, version, path_key, path, partition_values, size, data_change, tags
FROM dl_cdc_files
WHERE file_id BETWEEN (SELECT min(first_file_id) FROM dl_tables WHERE table_id = $1)
                  AND (SELECT max(first_file_id) + 1099511627775 FROM dl_tables WHERE table_id = $1)
ORDER BY file_id
