-- What records the migrations; it is older than all of them.
CREATE TABLE dl_schema_migrations (
  version    bigint NOT NULL PRIMARY KEY,
  applied_at bigint NOT NULL,
  checksum   uuid NOT NULL,
  name       text NOT NULL
)
