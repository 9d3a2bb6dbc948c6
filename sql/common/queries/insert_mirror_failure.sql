-- Notes what went wrong. $1 table_id, $2 mirror_engine, $3 failure_number, $4 failed_at,
-- $5 version, $6 error_code, $7 error.
INSERT INTO dl_mirror_failures (
       table_id, mirror_engine, failure_number, failed_at, version, error_code, error)
VALUES ($1, $2, $3, $4, $5, $6, $7)
