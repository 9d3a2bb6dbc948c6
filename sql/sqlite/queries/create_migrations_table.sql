-- What records the migrations; it is older than all of them.
CREATE TABLE dl_schema_migrations (
  version    INTEGER NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  checksum   BLOB NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT
