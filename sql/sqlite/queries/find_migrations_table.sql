-- Whether the database has ever been migrated. At most one row.
SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'dl_schema_migrations'
