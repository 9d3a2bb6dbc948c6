-- Mirrors: where they are, how far, and what went wrong. Nothing wrote dl_mirror_status before.
DROP TABLE dl_mirror_status;

CREATE TABLE dl_mirror_status (
  table_id           uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  mirror_engine      text COLLATE "C" NOT NULL,
  place              text NOT NULL,
  absolute_paths     boolean NOT NULL,
  published_version  bigint,
  checkpoint_version bigint,
  next_state         text NOT NULL CHECK (next_state IN ('PENDING', 'FAILED', 'DIVERGED')),
  attempts           bigint NOT NULL,
  added_at           bigint NOT NULL,
  last_attempt_at    bigint,
  last_success_at    bigint,
  next_attempt_at    bigint,
  last_error         text,
  owner              text,
  lease_until        bigint,
  alert_versions     bigint,
  alert_seconds      bigint,
  PRIMARY KEY (table_id, mirror_engine)
);

CREATE TABLE dl_mirror_failures (
  table_id       uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  mirror_engine  text COLLATE "C" NOT NULL,
  failure_number bigint NOT NULL,
  failed_at      bigint NOT NULL,
  version        bigint,
  error_code     text NOT NULL,
  error          text NOT NULL,
  PRIMARY KEY (table_id, mirror_engine, failure_number)
);

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
