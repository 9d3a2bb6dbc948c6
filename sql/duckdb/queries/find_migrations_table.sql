-- Whether the database has ever been migrated, and whether its tables may be looked at. At most one
-- row.
SELECT table_name, 1 FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = current_schema()
  AND table_name = 'dl_schema_migrations'
