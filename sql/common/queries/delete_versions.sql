-- Takes the versions of a table away that is dropped. $1 table_id.
DELETE FROM dl_table_versions WHERE table_id = $1
