-- Whether the catalog holds tables. At most one row.
SELECT name FROM dl_tables LIMIT 1
