-- Mirrors: where they are, how far, and what went wrong. Nothing wrote dl_mirror_status before.
DROP TABLE dl_mirror_status;

CREATE TABLE dl_mirror_status (
  table_id           BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  mirror_engine      TEXT NOT NULL,
  place              TEXT NOT NULL,
  absolute_paths     INTEGER NOT NULL,
  published_version  INTEGER,
  checkpoint_version INTEGER,
  next_state         TEXT NOT NULL CHECK (next_state IN ('PENDING', 'FAILED', 'DIVERGED')),
  attempts           INTEGER NOT NULL,
  added_at           INTEGER NOT NULL,
  last_attempt_at    INTEGER,
  last_success_at    INTEGER,
  next_attempt_at    INTEGER,
  last_error         TEXT,
  owner              TEXT,
  lease_until        INTEGER,
  alert_versions     INTEGER,
  alert_seconds      INTEGER,
  PRIMARY KEY (table_id, mirror_engine)
) WITHOUT ROWID, STRICT;

CREATE TABLE dl_mirror_failures (
  table_id       BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  mirror_engine  TEXT NOT NULL,
  failure_number INTEGER NOT NULL,
  failed_at      INTEGER NOT NULL,
  version        INTEGER,
  error_code     TEXT NOT NULL,
  error          TEXT NOT NULL,
  PRIMARY KEY (table_id, mirror_engine, failure_number)
) WITHOUT ROWID, STRICT;

-- How each version of a table stands with each of its mirrors.
CREATE VIEW dl_mirror_versions AS
SELECT v.table_id, s.mirror_engine, v.version,
       CASE WHEN v.version <= s.published_version THEN 'SUCCESS'
            WHEN s.next_state <> 'PENDING' AND v.version = coalesce(s.published_version + 1,
                                                                    t.earliest_version)
            THEN 'FAILED' ELSE 'PENDING' END AS state,
       CASE WHEN v.version = coalesce(s.published_version + 1, t.earliest_version)
            THEN s.attempts ELSE 0 END AS attempts,
       CASE WHEN v.version = coalesce(s.published_version + 1, t.earliest_version)
            THEN s.last_error END AS error
FROM dl_mirror_status s
JOIN dl_tables t ON t.table_id = s.table_id
JOIN dl_table_versions v ON v.table_id = s.table_id;
