-- Takes a table away, whose rows in the other relations are gone already. $1 table_id. One row.
DELETE FROM dl_tables WHERE table_id = $1
