-- Holds a table's row until the end of the transaction, as a commit does; here the write
-- transaction does that already. $1 table_id. At most one row.
SELECT current_version FROM dl_tables WHERE table_id = $1
