-- Clears a table's rows before they are made anew, and what else stands in its range of file ids.
-- $1 table_id.
DELETE FROM dl_add_files
WHERE table_id = $1
   OR file_id BETWEEN (SELECT min(first_file_id) FROM dl_tables WHERE table_id = $1)
                  AND (SELECT max(first_file_id) + 1099511627775 FROM dl_tables WHERE table_id = $1)
