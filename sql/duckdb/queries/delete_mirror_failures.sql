-- Takes what went wrong with the mirrors of a table away that is dropped. $1 table_id.
DELETE FROM dl_mirror_failures WHERE table_id = $1
