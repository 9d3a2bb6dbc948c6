-- Blind appends of several writers to one table, after commit_lock: a version for each that fits,
-- in their order. $1 table_id. Lists, one row for each commit: $2 commit_id, $3 transaction_id,
-- $4 attempt_id, $5 metadata_version and $6 protocol_version, which have to be the table's,
-- $7 deadline, $8 the commit's own timestamp, $9 how many adds, $10 their bytes, $11 commit_info,
-- $12 operation, $13 body_hash, $14 body_bytes, $15 row_hash, $16 body, $17 and $18 an app
-- transaction that makes it superfluous; $19 to $36 the adds, each with the number of its commit;
-- $37 to $40 the app transactions, likewise. No path, application or commit id comes twice. A row
-- for each commit: its number, why it was refused (the states of commit_advance and
-- commit_version), or its version and totals; no rows where the table is gone. Indexes: primary
-- keys.
WITH before AS MATERIALIZED (
  SELECT t.current_version, t.metadata_version, t.protocol_version, t.last_commit_timestamp,
         t.last_ratified_at, t.mode, v.num_files, v.size_in_bytes, v.last_add_id, v.last_remove_id,
         v.last_cdc_id, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock
  FROM dl_tables t
  CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                      WHERE table_id = $1 AND version >= t.current_version
                      ORDER BY version LIMIT 1) v
  WHERE t.table_id = $1
),
added AS MATERIALIZED (
  SELECT * FROM unnest($19::bigint[], $20::uuid[], $21::text[], $22::text[], $23::text[],
                       $24::bigint[], $25::bigint[], $26::boolean[], $27::text[], $28::text[],
                       $29::text[], $30::text[], $31::bigint[], $32::bigint[], $33::bigint[],
                       $34::bigint[], $35::bigint[], $36::text[]) WITH ORDINALITY
    AS n (number, path_key, dv_id, path, partition_values, size, modification_time, data_change,
          stats, tags, dv_storage_type, dv_path_or_inline, dv_offset, dv_size_in_bytes,
          dv_cardinality, base_row_id, default_row_commit_version, clustering_provider, place)
),
live AS MATERIALIZED (  -- one look-up for each path, however large the table
  SELECT n.number, n.dv_id = l.dv_id AND n.path = l.path AS is_same, l.place, l.size
  FROM added n
  CROSS JOIN LATERAL (SELECT a.ctid AS place, a.dv_id, a.path, a.size FROM dl_add_files a
                      WHERE a.table_id = $1 AND a.path_key = n.path_key
                        AND a.ended_version IS NULL OFFSET 0) l
),
judged AS MATERIALIZED (
  SELECT n.*,
         CASE
           WHEN b.mode <> 'exclusive' THEN 'DLV07'
           WHEN n.metadata_version <> b.metadata_version
                OR n.protocol_version <> b.protocol_version THEN 'DLV02'
           WHEN n.deadline < b.clock THEN 'DLV03'
           WHEN EXISTS (SELECT FROM dl_commit_fences f
                        WHERE f.table_id = $1 AND f.commit_id = n.commit_id
                          AND f.attempt_id IS DISTINCT FROM n.attempt_id OFFSET 0) THEN 'DLC04'
           WHEN EXISTS (SELECT FROM dl_table_versions d
                        WHERE d.table_id = $1 AND d.commit_id = n.commit_id OFFSET 0) THEN 'DLC05'
           WHEN n.app_version <= (SELECT x.app_version FROM dl_txn_actions x
                                  WHERE x.table_id = $1 AND x.app_id = n.app_id
                                  ORDER BY x.version DESC LIMIT 1) THEN 'DLC03'
           WHEN EXISTS (SELECT FROM live l WHERE l.number = n.number AND NOT l.is_same)
             THEN 'DLC02'
         END AS refusal
  FROM before b,
       unnest($2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::uuid[],
              $14::bigint[], $15::uuid[], $16::bytea[], $17::text[], $18::bigint[])
         WITH ORDINALITY
         AS n (commit_id, transaction_id, attempt_id, metadata_version, protocol_version, deadline,
               raw_timestamp, num_added, added_bytes, commit_info, operation, body_hash, body_bytes,
               row_hash, body, app_id, app_version, number)
),
placed AS MATERIALIZED (
  SELECT j.*, b.current_version + row_number() OVER so_far AS version,
         greatest(b.clock / 1000, b.last_commit_timestamp + 1) + row_number() OVER so_far - 1
           AS timestamp,
         greatest(b.clock, b.last_ratified_at + 1) + row_number() OVER so_far - 1 AS ratified_at,
         (b.num_files + sum(j.num_added - coalesce(e.files, 0)) OVER so_far)::bigint AS num_files,
         (b.size_in_bytes + sum(j.added_bytes - coalesce(e.bytes, 0)) OVER so_far)::bigint
           AS size_in_bytes,
         (b.last_add_id + sum(j.num_added) OVER so_far)::bigint AS last_add_id,
         b.last_remove_id, b.last_cdc_id
  FROM judged j
  CROSS JOIN before b
  LEFT JOIN (SELECT number, count(*) AS files, sum(size) AS bytes
             FROM live WHERE is_same GROUP BY number) e ON e.number = j.number
  WHERE j.refusal IS NULL
  WINDOW so_far AS (ORDER BY j.number ROWS UNBOUNDED PRECEDING)
),
ended AS (
  UPDATE dl_add_files a
  SET ended_version = (SELECT p.version FROM live l JOIN placed p ON p.number = l.number
                       WHERE l.place = a.ctid)
  WHERE a.ctid = ANY (ARRAY(SELECT l.place FROM live l JOIN placed p ON p.number = l.number
                            WHERE l.is_same))
),
files AS (
  INSERT INTO dl_add_files (
         file_id, table_id, version, origin, path_key, dv_id, path, partition_values, size,
         modification_time, data_change, stats, tags, dv_storage_type, dv_path_or_inline, dv_offset,
         dv_size_in_bytes, dv_cardinality, base_row_id, default_row_commit_version,
         clustering_provider)
  SELECT b.last_add_id + row_number() OVER (ORDER BY n.place), $1, p.version, 0, n.path_key,
         n.dv_id, n.path, n.partition_values, n.size, n.modification_time, n.data_change, n.stats,
         n.tags, n.dv_storage_type, n.dv_path_or_inline, n.dv_offset, n.dv_size_in_bytes,
         n.dv_cardinality, n.base_row_id, n.default_row_commit_version, n.clustering_provider
  FROM before b, placed p
  JOIN added n ON n.number = p.number
),
transactions AS (
  INSERT INTO dl_txn_actions (table_id, version, app_id, app_version, last_updated)
  SELECT $1, p.version, n.app_id, n.app_version, n.last_updated
  FROM placed p
  JOIN unnest($37::bigint[], $38::text[], $39::bigint[], $40::bigint[])
    AS n (number, app_id, app_version, last_updated) ON n.number = p.number
),
versions AS (
  INSERT INTO dl_table_versions (
         table_id, version, timestamp, raw_timestamp, ratified_at, num_added, num_removed, num_cdc,
         num_files, size_in_bytes, last_add_id, last_remove_id, last_cdc_id, body_bytes, body_parts,
         transaction_id, body_hash, row_hash, timestamp_source, commit_id, operation, commit_info,
         body)
  SELECT $1, version, timestamp, raw_timestamp, ratified_at, num_added, 0, 0, num_files,
         size_in_bytes, last_add_id, last_remove_id, last_cdc_id, body_bytes, 0, transaction_id,
         body_hash, row_hash, 'ours', commit_id, operation, commit_info, body
  FROM placed
),
moved AS (
  UPDATE dl_tables t
  SET current_version = p.version, last_commit_timestamp = p.timestamp,
      last_ratified_at = p.ratified_at
  FROM (SELECT version, timestamp, ratified_at FROM placed ORDER BY version DESC LIMIT 1) p
  WHERE t.table_id = $1
)
SELECT j.number, j.refusal, p.version, p.timestamp, p.ratified_at, p.num_files, p.size_in_bytes
FROM judged j
LEFT JOIN placed p ON p.number = j.number
ORDER BY j.number
