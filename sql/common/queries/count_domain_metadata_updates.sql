-- How many rows a table has, wherever they are. $1 table_id. One row. Index: table_id in front.
SELECT count(*) FROM dl_domain_metadata WHERE table_id = $1
