-- Undoes the migration of mirrors: dl_mirror_status as migration 1 makes it.
DROP VIEW dl_mirror_versions;
DROP TABLE dl_mirror_failures;
DROP TABLE dl_mirror_status;

CREATE TABLE dl_mirror_status (
  table_id          UUID NOT NULL,
  mirror_engine     VARCHAR NOT NULL,
  published_version BIGINT NOT NULL,
  next_state        VARCHAR NOT NULL CHECK (next_state IN ('PENDING', 'FAILED')),
  attempts          BIGINT NOT NULL,
  last_attempt_at   BIGINT,
  last_success_at   BIGINT,
  last_error        VARCHAR,
  owner             VARCHAR,
  lease_until       BIGINT
);
