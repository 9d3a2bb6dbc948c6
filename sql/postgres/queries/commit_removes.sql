-- The removes of a commit, after commit_version. $1 table_id; lists: $2 to $18. Index: primary key.
INSERT INTO dl_remove_files (
       file_id, table_id, version, origin, path_key, dv_id, path, deletion_timestamp, data_change,
       extended_file_metadata, partition_values, size, stats, tags, dv_storage_type,
       dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality, base_row_id,
       default_row_commit_version)
SELECT v.last_remove_id - v.num_removed + n.number, $1, v.version, 0, n.path_key, n.dv_id, n.path,
       n.deletion_timestamp, n.data_change, n.extended_file_metadata, n.partition_values, n.size,
       n.stats, n.tags, n.dv_storage_type, n.dv_path_or_inline, n.dv_offset, n.dv_size_in_bytes,
       n.dv_cardinality, n.base_row_id, n.default_row_commit_version
FROM dl_tables t
CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                    WHERE table_id = $1 AND version >= t.current_version
                    ORDER BY version LIMIT 1) v,
     unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::boolean[],
            $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[],
            $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[])
       WITH ORDINALITY
       AS n (path_key, dv_id, path, deletion_timestamp, data_change, extended_file_metadata,
             partition_values, size, stats, tags, dv_storage_type, dv_path_or_inline, dv_offset,
             dv_size_in_bytes, dv_cardinality, base_row_id, default_row_commit_version, number)
WHERE t.table_id = $1
