-- Where the range of a table's file ids begins. $1 table_id. At most one row.
SELECT first_file_id FROM dl_tables WHERE table_id = $1
