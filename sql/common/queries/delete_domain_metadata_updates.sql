-- Clears a table's rows before they are made anew. $1 table_id. Index: table_id in front.
DELETE FROM dl_domain_metadata WHERE table_id = $1
