-- commit_version of a commit whose files are staged. $1 to $19 as there; $20 staging_id. Raises
-- also DLG02: what was staged is gone, as it is when a server has crashed. Indexes: primary keys,
-- and those on staging_id.
WITH moved AS MATERIALIZED (
  SELECT t.current_version AS version, t.last_commit_timestamp, t.last_ratified_at,
         v.num_files, v.size_in_bytes, v.last_add_id, v.last_remove_id, v.last_cdc_id
  FROM dl_tables t
  CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                      WHERE table_id = $1 AND version >= t.current_version - 1
                      ORDER BY version LIMIT 1) v
  WHERE t.table_id = $1
),
named AS MATERIALIZED (
  SELECT path_key, dv_id, path, true AS must_be_live
  FROM dl_staged_remove_files WHERE staging_id = $20
  UNION ALL
  SELECT path_key, dv_id, path, false FROM dl_staged_add_files WHERE staging_id = $20
),
live AS MATERIALIZED (  -- one look-up for each name, however large the table
  SELECT l.place, l.size, l.dv_id, n.path_key, n.must_be_live,
         l.dv_id = n.dv_id AND l.path = n.path AS is_same
  FROM named n
  CROSS JOIN LATERAL (SELECT a.ctid AS place, a.size, a.dv_id, a.path FROM dl_add_files a
                      WHERE a.table_id = $1 AND a.path_key = n.path_key
                        AND a.ended_version IS NULL OFFSET 0) l
),
ended AS (
  UPDATE dl_add_files a SET ended_version = (SELECT version FROM moved)
  WHERE a.ctid = ANY (ARRAY(SELECT place FROM live WHERE is_same))
),
counted AS (
  SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes,
         count(*) FILTER (WHERE must_be_live) AS were_live
  FROM live WHERE is_same
),
added AS (
  INSERT INTO dl_add_files (
         file_id, table_id, version, origin, path_key, dv_id, path, partition_values, size,
         modification_time, data_change, stats, tags, dv_storage_type, dv_path_or_inline, dv_offset,
         dv_size_in_bytes, dv_cardinality, base_row_id, default_row_commit_version,
         clustering_provider)
  SELECT m.last_add_id + n.number, $1, m.version, 0, n.path_key, n.dv_id, n.path,
         n.partition_values, n.size, n.modification_time, n.data_change, n.stats, n.tags,
         n.dv_storage_type, n.dv_path_or_inline, n.dv_offset, n.dv_size_in_bytes, n.dv_cardinality,
         n.base_row_id, n.default_row_commit_version, n.clustering_provider
  FROM moved m, dl_staged_add_files n
  WHERE n.staging_id = $20
)
INSERT INTO dl_table_versions (
       table_id, version, timestamp, raw_timestamp, ratified_at, num_added, num_removed, num_cdc,
       num_files, size_in_bytes, last_add_id, last_remove_id, last_cdc_id, body_bytes, body_parts,
       transaction_id, body_hash, row_hash, timestamp_source, commit_id, operation, commit_info,
       body)
SELECT $1, m.version, m.last_commit_timestamp, $5, m.last_ratified_at, $6, $7, $8,
       m.num_files + $6 - c.files,
       m.size_in_bytes + $9 - c.bytes, m.last_add_id + $6, m.last_remove_id + $7,
       m.last_cdc_id + $8, $13, $14, $3, $12, $15, $4, $2, $11, $10, $16
FROM moved m, counted c
WHERE CASE
        WHEN (SELECT count(*) FROM named) <> $6 + $7
          THEN dl_raise('DLG02', m.version::text)
        WHEN EXISTS (SELECT FROM dl_commit_fences f
                     WHERE f.table_id = $1 AND f.commit_id = $2
                       AND f.attempt_id IS DISTINCT FROM $19)
          THEN dl_raise('DLC04', m.version::text)
        WHEN EXISTS (SELECT FROM dl_table_versions d WHERE d.table_id = $1 AND d.commit_id = $2)
          THEN dl_raise('DLC05', m.version::text)
        WHEN $18::bigint <= (SELECT x.app_version FROM dl_txn_actions x
                             WHERE x.table_id = $1 AND x.app_id = $17
                             ORDER BY x.version DESC LIMIT 1)
          THEN dl_raise('DLC03', m.version::text)
        WHEN c.were_live <> (SELECT count(*) FROM named WHERE must_be_live)
          THEN dl_raise('DLC01', m.version::text)
        WHEN EXISTS (SELECT FROM live l
                     WHERE NOT l.must_be_live AND NOT l.is_same
                       AND NOT EXISTS (SELECT FROM named o
                                       WHERE o.path_key = l.path_key AND o.dv_id = l.dv_id
                                         AND o.must_be_live))
          THEN dl_raise('DLC02', m.version::text)
        ELSE true
      END
RETURNING version, timestamp, ratified_at, num_files, size_in_bytes
