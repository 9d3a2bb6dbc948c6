-- The second step of a commit, begun when the table's row is locked: ends the files that the commit
-- removes or adds again, adds its files, and writes its version. $1 table_id, $2 commit_id,
-- $3 transaction_id or null, $4 timestamp_source, $5 the commit's own timestamp, $6 to $8 how many
-- adds, removes and cdc, $9 bytes of the adds, $10 commit_info, $11 operation, $12 body_hash,
-- $13 body_bytes, $14 body_parts, $15 row_hash, $16 body; $17 and $18 an app transaction that makes
-- the commit superfluous where the stored version is as high, or null; $19 the attempt's id.
-- Lists: $20 to $23 files to end (path_key, dv_id, path, whether the file must be live); $24 to $40
-- the adds. One row, or none where the table is gone; what does not fit raises: DLC01 a file that
-- must be live is not, DLC02 a file is live with another deletion vector or in another spelling,
-- DLC03 the app transaction is there, DLC04 the commit was fenced, DLC05 the commit id is there.
-- Indexes: primary keys.
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
  SELECT * FROM unnest($20::uuid[], $21::text[], $22::text[], $23::boolean[])
    AS n (path_key, dv_id, path, must_be_live)
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
  FROM moved m, unnest($24::uuid[], $25::text[], $26::text[], $27::text[], $28::bigint[],
                       $29::bigint[], $30::boolean[], $31::text[], $32::text[], $33::text[],
                       $34::text[], $35::bigint[], $36::bigint[], $37::bigint[], $38::bigint[],
                       $39::bigint[], $40::text[]) WITH ORDINALITY
    AS n (path_key, dv_id, path, partition_values, size, modification_time, data_change, stats,
          tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes, dv_cardinality,
          base_row_id, default_row_commit_version, clustering_provider, number)
)
INSERT INTO dl_table_versions (
       table_id, version, timestamp, raw_timestamp, ratified_at, num_added, num_removed, num_cdc,
       num_files, size_in_bytes, last_add_id, last_remove_id, last_cdc_id, body_bytes, body_parts,
       transaction_id, body_hash, row_hash, timestamp_source, commit_id, operation, commit_info,
       body)
SELECT $1, m.version, m.last_commit_timestamp, $5, m.last_ratified_at, $6, $7, $8,
       m.num_files + coalesce(cardinality($24::uuid[]), 0) - c.files,
       m.size_in_bytes + $9 - c.bytes, m.last_add_id + $6, m.last_remove_id + $7,
       m.last_cdc_id + $8, $13, $14, $3, $12, $15, $4, $2, $11, $10, $16
FROM moved m, counted c
WHERE CASE
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
