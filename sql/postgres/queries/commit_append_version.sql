-- The second step of a commit that adds one file and removes none, by far the most frequent one:
-- what commit_version does, without lists. $1 table_id, $2 commit_id, $3 transaction_id or null, $4
-- timestamp_source, $5 the commit's own timestamp, $6 bytes of the file, $7 commit_info, $8
-- operation, $9 body_hash, $10 body_bytes, $11 row_hash, $12 body; $13 and $14 an app transaction
-- that makes the commit superfluous, or null; $15 the file's path_key. One row, or none where the
-- table is gone. Raises DLG01 where more has to be looked at, which commit_version does: a live
-- file of that path, a fence, the app transaction; a commit id that is there breaks the unique
-- index. Indexes: primary keys.
INSERT INTO dl_table_versions (
       table_id, version, timestamp, raw_timestamp, ratified_at, num_added, num_removed, num_cdc,
       num_files, size_in_bytes, last_add_id, last_remove_id, last_cdc_id, body_bytes, body_parts,
       transaction_id, body_hash, row_hash, timestamp_source, commit_id, operation, commit_info,
       body)
SELECT $1, t.current_version, t.last_commit_timestamp, $5, t.last_ratified_at, 1, 0, 0,
       v.num_files + 1, v.size_in_bytes + $6, v.last_add_id + 1, v.last_remove_id, v.last_cdc_id,
       $10, 0, $3, $9, $11, $4, $2, $8, $7, $12
FROM dl_tables t
CROSS JOIN LATERAL (SELECT * FROM dl_table_versions
                    WHERE table_id = $1 AND version >= t.current_version - 1
                    ORDER BY version LIMIT 1) v
WHERE t.table_id = $1
  AND CASE
        WHEN EXISTS (SELECT FROM dl_add_files a
                     WHERE a.table_id = $1 AND a.path_key = $15 AND a.ended_version IS NULL)
             OR EXISTS (SELECT FROM dl_commit_fences f
                        WHERE f.table_id = $1 AND f.commit_id = $2)
             OR $14::bigint <= (SELECT x.app_version FROM dl_txn_actions x
                                WHERE x.table_id = $1 AND x.app_id = $13
                                ORDER BY x.version DESC LIMIT 1)
          THEN dl_raise('DLG01', t.current_version::text)
        ELSE true
      END
RETURNING version, timestamp, ratified_at, num_files, size_in_bytes
