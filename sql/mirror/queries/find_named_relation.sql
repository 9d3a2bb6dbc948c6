-- Whether something is called so in the schema where views go. $1 name. At most one row.
SELECT table_name FROM information_schema.tables
WHERE table_catalog = current_database() AND table_schema = 'main' AND lower(table_name) = lower($1)
