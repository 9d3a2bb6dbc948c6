-- Gives a table to the one that replaced it. $1 table_no, $2 table_id.
UPDATE deltalakedb.tables SET table_id = $2 WHERE table_no = $1
