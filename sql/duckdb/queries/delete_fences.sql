-- Takes the fences of a table away that is dropped. $1 table_id.
DELETE FROM dl_commit_fences WHERE table_id = $1
