-- The change-data files of a commit, after commit_version. $1 table_id; lists: $2 to $7.
INSERT INTO dl_cdc_files (
       file_id, table_id, version, path_key, path, partition_values, size, data_change, tags)
SELECT v.last_cdc_id - v.num_cdc + n.number, $1, v.version, n.path_key, n.path, n.partition_values,
       n.size, n.data_change, n.tags
FROM dl_tables t
CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                    WHERE table_id = $1 AND version >= t.current_version
                    ORDER BY version LIMIT 1) v,
     unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[], $7::text[])
       WITH ORDINALITY AS n (path_key, path, partition_values, size, data_change, tags, number)
WHERE t.table_id = $1
