-- Clears a table's rows before they are made anew. $1 table_id. Index: primary key.
DELETE FROM dl_cdc_files WHERE table_id = $1
