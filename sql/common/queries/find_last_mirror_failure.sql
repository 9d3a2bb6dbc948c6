-- The number of the newest failure of a mirror. $1 table_id, $2 mirror_engine. One row: 0 where
-- there is none. Index: primary key.
SELECT coalesce(max(failure_number), 0) FROM dl_mirror_failures
WHERE table_id = $1 AND mirror_engine = $2
