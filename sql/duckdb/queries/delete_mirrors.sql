-- Takes the mirrors of a table away that is dropped. $1 table_id.
DELETE FROM dl_mirror_status WHERE table_id = $1
