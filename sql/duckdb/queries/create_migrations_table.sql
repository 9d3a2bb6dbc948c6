-- What records the migrations; it is older than all of them.
CREATE TABLE dl_schema_migrations (
  version    BIGINT NOT NULL,
  name       VARCHAR NOT NULL,
  checksum   BLOB NOT NULL,
  applied_at BIGINT NOT NULL
)
