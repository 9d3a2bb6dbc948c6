-- Whether the database has ever been migrated, and whether its tables may be looked at. At most one
-- row.
SELECT name, 1 FROM sqlite_schema WHERE type = 'table' AND name = 'dl_schema_migrations'
