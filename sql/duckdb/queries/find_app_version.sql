-- The newest version of an app's progress. $1 table_id, $2 app_id. At most one row. Index: primary
-- key.
SELECT app_version FROM dl_txn_actions
WHERE table_id = $1 AND app_id = $2
ORDER BY version DESC LIMIT 1
