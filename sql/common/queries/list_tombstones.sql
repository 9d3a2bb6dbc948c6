-- The removed files of a version that a checkpoint keeps, in no order. $1 table_id, $2 version,
-- $3 the deletion time that has expired, with all before it, $4 the version of the base or -1,
-- where removes of the commit beside it are no state. Indexes: primary keys.
SELECT r.path, r.deletion_timestamp, r.data_change, r.extended_file_metadata, r.partition_values,
       r.size, r.stats, r.tags, r.dv_storage_type, r.dv_path_or_inline, r.dv_offset,
       r.dv_size_in_bytes, r.dv_cardinality, r.base_row_id, r.default_row_commit_version
FROM dl_remove_files r
WHERE r.table_id = $1 AND r.version <= $2 AND coalesce(r.deletion_timestamp, 0) > $3
  AND (r.version > $4 OR r.origin = 1)
  AND NOT EXISTS (SELECT 1 FROM dl_remove_files l
                  WHERE l.table_id = $1 AND l.path_key = r.path_key AND l.dv_id = r.dv_id
                    AND l.version > r.version AND l.version <= $2)
  AND NOT EXISTS (SELECT 1 FROM dl_add_files a
                  WHERE a.table_id = $1 AND a.path_key = r.path_key AND a.dv_id = r.dv_id
                    AND a.version > r.version AND a.version <= $2)
