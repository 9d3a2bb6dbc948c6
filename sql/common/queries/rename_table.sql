-- Gives a table another name. $1 table_id, $2 the new name, $3 its properties from then on. One
-- row. Index: primary key.
UPDATE dl_tables SET name = $2, properties = $3 WHERE table_id = $1
