-- How many parts a table's texts are kept in. $1 table_id. One row. Index: primary key.
SELECT count(*) FROM dl_body_parts WHERE table_id = $1
