-- Takes the texts in parts of a table away that is dropped. $1 table_id.
DELETE FROM dl_body_parts WHERE table_id = $1
