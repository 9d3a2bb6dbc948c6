-- Takes a table away; the foreign keys of the other relations take their rows away with it. $1
-- table_id. One row. Index: primary key, and table_id in front of those of the others.
DELETE FROM dl_tables WHERE table_id = $1
