-- A cdc.
INSERT INTO dl_cdc_files (
       file_id, table_id, version, path_key, path, partition_values, size, data_change, tags)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
