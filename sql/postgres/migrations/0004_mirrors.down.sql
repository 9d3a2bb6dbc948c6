-- Undoes the migration of mirrors: dl_mirror_status as migration 1 makes it.
DROP VIEW dl_mirror_versions;
DROP TABLE dl_mirror_failures;
DROP TABLE dl_mirror_status;

CREATE TABLE dl_mirror_status (
  table_id          uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  published_version bigint NOT NULL,
  attempts          bigint NOT NULL,
  last_attempt_at   bigint,
  last_success_at   bigint,
  lease_until       bigint,
  mirror_engine     text COLLATE "C" NOT NULL,
  next_state        text NOT NULL CHECK (next_state IN ('PENDING', 'FAILED')),
  last_error        text,
  owner             text,
  PRIMARY KEY (table_id, mirror_engine)
);
