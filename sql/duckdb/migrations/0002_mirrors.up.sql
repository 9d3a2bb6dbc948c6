-- Mirrors: where they are, how far, and what went wrong. Nothing wrote dl_mirror_status before.
DROP TABLE dl_mirror_status;

CREATE TABLE dl_mirror_status (
  table_id           UUID NOT NULL,
  mirror_engine      VARCHAR NOT NULL,
  place              VARCHAR NOT NULL,
  absolute_paths     BOOLEAN NOT NULL,
  published_version  BIGINT,
  checkpoint_version BIGINT,
  next_state         VARCHAR NOT NULL CHECK (next_state IN ('PENDING', 'FAILED', 'DIVERGED')),
  attempts           BIGINT NOT NULL,
  added_at           BIGINT NOT NULL,
  last_attempt_at    BIGINT,
  last_success_at    BIGINT,
  next_attempt_at    BIGINT,
  last_error         VARCHAR,
  owner              VARCHAR,
  lease_until        BIGINT,
  alert_versions     BIGINT,
  alert_seconds      BIGINT
);

CREATE TABLE dl_mirror_failures (
  table_id       UUID NOT NULL,
  mirror_engine  VARCHAR NOT NULL,
  failure_number BIGINT NOT NULL,
  failed_at      BIGINT NOT NULL,
  version        BIGINT,
  error_code     VARCHAR NOT NULL,
  error          VARCHAR NOT NULL
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
