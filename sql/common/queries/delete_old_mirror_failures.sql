-- Forgets failures of a mirror up to one. $1 table_id, $2 mirror_engine, $3 failure_number. Index:
-- primary key.
DELETE FROM dl_mirror_failures
WHERE table_id = $1 AND mirror_engine = $2 AND failure_number <= $3
