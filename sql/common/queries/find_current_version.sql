-- The newest version of a table. $1 table_id. At most one row. Index: primary key.
SELECT current_version FROM dl_tables WHERE table_id = $1
