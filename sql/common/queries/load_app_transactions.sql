-- The progress of each application at a version. $1 table_id, $2 version. Index: primary key.
SELECT app_id, app_version, last_updated FROM dl_txn_actions t
WHERE table_id = $1
  AND version = (SELECT max(version) FROM dl_txn_actions n
                 WHERE n.table_id = $1 AND n.app_id = t.app_id AND n.version <= $2)
