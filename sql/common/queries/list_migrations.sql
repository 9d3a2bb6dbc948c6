-- The migrations that were applied, oldest first.
SELECT version, name, checksum, applied_at FROM dl_schema_migrations ORDER BY version
