-- A table that a commit depends on and does not change: keeps others from committing to it until
-- the end of the transaction. $1 table_id; $2 the version that it has to be at, else DLV01 raises.
-- What is checked is the row that is locked, also after waiting for it. Index: primary key.
SELECT current_version
FROM dl_tables
WHERE table_id = $1
  AND CASE WHEN current_version <> $2 THEN dl_raise('DLV01', current_version::text) ELSE true END
FOR SHARE
