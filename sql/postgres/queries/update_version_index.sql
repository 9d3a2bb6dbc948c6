-- What making rows anew finds out about a version. row_hash stays: it tells whether the rest of
-- the row is what it was. $1 table_id, $2 version. One row. Index: primary key.
-- See find_version.
UPDATE dl_table_versions
SET num_added = $3, num_removed = $4, num_cdc = $5, num_files = $6, size_in_bytes = $7,
    last_add_id = $8, last_remove_id = $9, last_cdc_id = $10, commit_info = $11,
    operation = $12
WHERE ctid = (SELECT ctid FROM dl_table_versions
              WHERE table_id = $1 AND version >= $2 ORDER BY version LIMIT 1)
  AND version = $2
