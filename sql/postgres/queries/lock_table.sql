-- Holds a table's row until the end of the transaction, as a commit does. $1 table_id. At most one
-- row. Index: primary key.
SELECT current_version FROM dl_tables WHERE table_id = $1 FOR NO KEY UPDATE
