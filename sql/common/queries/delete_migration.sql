-- Takes a migration back. $1 version.
DELETE FROM dl_schema_migrations WHERE version = $1
