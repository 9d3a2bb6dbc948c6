-- All rows of a table as insert_txn_action wrote them. $1 table_id. Index: primary key.
SELECT table_id, version, app_id, app_version, last_updated
FROM dl_txn_actions WHERE table_id = $1 ORDER BY version, app_id
