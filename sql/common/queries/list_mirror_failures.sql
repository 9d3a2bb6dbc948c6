-- What went wrong with a table's mirrors, newest first. $1 table_id. Index: primary key, sorted.
SELECT mirror_engine, failed_at, version, error_code, error
FROM dl_mirror_failures WHERE table_id = $1
ORDER BY failed_at DESC, mirror_engine, failure_number DESC
