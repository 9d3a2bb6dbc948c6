-- The app transactions of a commit, after commit_version, which looks at earlier ones. $1 table_id;
-- lists: $2 app_id, $3 app_version, $4 last_updated.
INSERT INTO dl_txn_actions (table_id, version, app_id, app_version, last_updated)
SELECT $1, t.current_version, n.app_id, n.app_version, n.last_updated
FROM dl_tables t, unnest($2::text[], $3::bigint[], $4::bigint[])
     AS n (app_id, app_version, last_updated)
WHERE t.table_id = $1
