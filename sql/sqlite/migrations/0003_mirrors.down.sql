-- Undoes the migration of mirrors: dl_mirror_status as migration 1 makes it.
DROP VIEW dl_mirror_versions;
DROP TABLE dl_mirror_failures;
DROP TABLE dl_mirror_status;

CREATE TABLE dl_mirror_status (
  table_id          BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  mirror_engine     TEXT NOT NULL,
  published_version INTEGER NOT NULL,
  next_state        TEXT NOT NULL CHECK (next_state IN ('PENDING', 'FAILED')),
  attempts          INTEGER NOT NULL,
  last_attempt_at   INTEGER,
  last_success_at   INTEGER,
  last_error        TEXT,
  owner             TEXT,
  lease_until       INTEGER,
  PRIMARY KEY (table_id, mirror_engine)
) WITHOUT ROWID, STRICT;
