-- What a commit is decided by while nobody else may write. $1 table_id, $2 the commit's id, $3 the
-- app of its app transaction, or null, $4 the path_key of the file that it adds or removes, or null
-- where these are none or several. The table; the totals of its newest version, null where it has
-- no row; the clock (find_clock); the app's newest version, or null; the attempt that may still
-- happen, or null where any may; whether the commit is there; the live file of that path, or null.
-- One row for each of these files, whose deletion vectors differ; none where there is no such
-- table. Index: primary keys, dl_table_versions (table_id, commit_id), dl_add_files_key.
SELECT t.table_id, t.name, t.location, t.current_version, t.earliest_version, t.base_version,
       t.base_body_hash, t.metadata_version, t.protocol_version, t.last_commit_timestamp,
       t.last_ratified_at, t.mode, t.properties, t.first_file_id,
       v.num_files, v.size_in_bytes, v.last_add_id, v.last_remove_id, v.last_cdc_id,
       CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000,
       (SELECT app_version FROM dl_txn_actions
        WHERE table_id = $1 AND app_id = $3 ORDER BY version DESC LIMIT 1),
       (SELECT coalesce(attempt_id, '') FROM dl_commit_fences
        WHERE table_id = $1 AND commit_id = $2),
       EXISTS (SELECT 1 FROM dl_table_versions WHERE table_id = $1 AND commit_id = $2),
       f.file_id, f.dv_id, f.size, f.path
FROM dl_tables t
LEFT JOIN dl_table_versions v ON v.table_id = t.table_id AND v.version = t.current_version
LEFT JOIN dl_add_files f
  ON f.table_id = t.table_id AND f.path_key = $4 AND f.ended_version IS NULL
WHERE t.table_id = $1
