-- A table or view that is not the mirror's. At most one row.
SELECT table_name FROM information_schema.tables
WHERE table_catalog = current_database() AND table_schema <> 'deltalakedb'
LIMIT 1
