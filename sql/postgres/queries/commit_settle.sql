-- What became of a commit, after commit_lock: its version where it is there; else only one attempt
-- of it may happen from now on. $1 table_id, $2 commit_id, $3 attempt_id. One row, or none where
-- the table is gone; its columns are null where the commit is not there. Indexes: primary key,
-- dl_table_versions (table_id, commit_id).
WITH found AS MATERIALIZED (
  SELECT version, timestamp FROM dl_table_versions WHERE table_id = $1 AND commit_id = $2
),
fenced AS (
  INSERT INTO dl_commit_fences (table_id, commit_id, attempt_id, fenced_at)
  SELECT t.table_id, $2, $3, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint
  FROM dl_tables t WHERE t.table_id = $1 AND NOT EXISTS (SELECT FROM found)
  ON CONFLICT (table_id, commit_id)
  DO UPDATE SET attempt_id = excluded.attempt_id, fenced_at = excluded.fenced_at
)
SELECT f.version, f.timestamp
FROM dl_tables t
LEFT JOIN found f ON true
WHERE t.table_id = $1
