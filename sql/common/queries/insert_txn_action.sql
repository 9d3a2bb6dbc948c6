-- A txn.
INSERT INTO dl_txn_actions (
       table_id, version, app_id, app_version, last_updated)
VALUES ($1, $2, $3, $4, $5)
