-- Ends a mirror. $1 table_id, $2 mirror_engine. One row where there was one. Index: primary key.
DELETE FROM dl_mirror_status WHERE table_id = $1 AND mirror_engine = $2
