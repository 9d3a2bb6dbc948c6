-- Takes the segments of a table away that is dropped. $1 table_id.
DELETE FROM dl_file_segments WHERE table_id = $1
