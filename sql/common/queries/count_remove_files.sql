-- How many rows a table has, wherever they are. $1 table_id. One row. Index: table_id in front.
SELECT count(*) FROM dl_remove_files WHERE table_id = $1
