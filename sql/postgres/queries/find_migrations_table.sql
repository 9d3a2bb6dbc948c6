-- Whether the database has ever been migrated, and whether this user may look into the SQL schema
-- of the catalog, which the connection keeps in a setting of its own. At most one row.
SELECT c.relname::text, has_schema_privilege(n.oid, 'USAGE')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_setting('deltalakedb.schema') AND c.relname = 'dl_schema_migrations'
