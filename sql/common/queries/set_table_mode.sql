-- Says who decides a table's versions. $1 table_id, $2 mode. One row. Index: primary key.
UPDATE dl_tables SET mode = $2 WHERE table_id = $1
