-- The transaction log of Delta tables. docs/schema.md describes every column.
--
-- Tables are STRICT, so that a value of another type than its column's is refused.
-- Rows of files are addressed by file_id, which SQLite keeps them in order of: each table has a
-- range of its own, and within it ids ascend with the versions and with the lines of a commit
-- (docs/adr/0005-rows-of-files-in-sqlite.md).

CREATE TABLE dl_tables (
  table_id              BLOB NOT NULL PRIMARY KEY CHECK (length(table_id) = 16),
  name                  TEXT NOT NULL UNIQUE,
  location              TEXT NOT NULL,
  current_version       INTEGER NOT NULL,
  earliest_version      INTEGER NOT NULL,
  base_version          INTEGER,
  base_body_hash        BLOB,
  metadata_version      INTEGER NOT NULL,
  protocol_version      INTEGER NOT NULL,
  last_commit_timestamp INTEGER NOT NULL,
  last_ratified_at      INTEGER NOT NULL,
  mode                  TEXT NOT NULL CHECK (mode IN ('exclusive', 'shared')),
  properties            TEXT NOT NULL,
  first_file_id         INTEGER NOT NULL UNIQUE
) WITHOUT ROWID, STRICT;

CREATE INDEX dl_tables_location ON dl_tables (location);

CREATE TABLE dl_table_versions (
  table_id         BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version          INTEGER NOT NULL CHECK (version >= 0),
  timestamp        INTEGER NOT NULL,
  raw_timestamp    INTEGER NOT NULL,
  timestamp_source TEXT NOT NULL
                   CHECK (timestamp_source IN
                          ('in-commit', 'file', 'ours', 'checksum', 'checkpoint')),
  ratified_at      INTEGER NOT NULL,
  commit_id        TEXT NOT NULL,
  transaction_id   BLOB,
  num_added        INTEGER NOT NULL,
  num_removed      INTEGER NOT NULL,
  num_cdc          INTEGER NOT NULL,
  num_files        INTEGER NOT NULL,
  size_in_bytes    INTEGER NOT NULL,
  last_add_id      INTEGER NOT NULL,
  last_remove_id   INTEGER NOT NULL,
  last_cdc_id      INTEGER NOT NULL,
  commit_info      TEXT,
  operation        TEXT,
  body_hash        BLOB,
  body_bytes       INTEGER,
  body_parts       INTEGER NOT NULL,
  row_hash         BLOB NOT NULL,
  -- What people ask for most of commit_info. SQLite's own parser may refuse what others take.
  operation_parameters TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN json_extract(commit_info, '$.operationParameters') END) VIRTUAL,
  operation_metrics TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN json_extract(commit_info, '$.operationMetrics') END) VIRTUAL,
  committer        TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN coalesce(json_extract(commit_info, '$.userName'),
                        json_extract(commit_info, '$.engineInfo')) END) VIRTUAL,
  is_blind_append INTEGER GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN json_extract(commit_info, '$.isBlindAppend') END) VIRTUAL,
  body             BLOB,
  PRIMARY KEY (table_id, version),
  UNIQUE (table_id, commit_id)
) STRICT;

CREATE TABLE dl_body_parts (
  table_id   BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version    INTEGER NOT NULL,
  origin     INTEGER NOT NULL CHECK (origin IN (0, 1)),
  part       INTEGER NOT NULL CHECK (part >= 0),
  text_bytes INTEGER NOT NULL,
  body       BLOB NOT NULL,
  PRIMARY KEY (table_id, version, origin, part)
) STRICT;

CREATE TABLE dl_add_files (
  file_id                    INTEGER PRIMARY KEY,
  table_id                   BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version                    INTEGER NOT NULL,
  origin                     INTEGER NOT NULL CHECK (origin IN (0, 1)),
  path_key                   BLOB NOT NULL,
  dv_id                      TEXT NOT NULL,
  ended_version              INTEGER,
  path                       TEXT NOT NULL,
  partition_values           TEXT,
  size                       INTEGER NOT NULL,
  modification_time          INTEGER NOT NULL,
  data_change                INTEGER NOT NULL,
  stats                      TEXT,
  tags                       TEXT,
  dv_storage_type            TEXT,
  dv_path_or_inline          TEXT,
  dv_offset                  INTEGER,
  dv_size_in_bytes           INTEGER,
  dv_cardinality             INTEGER,
  base_row_id                INTEGER,
  default_row_commit_version INTEGER,
  clustering_provider        TEXT
) STRICT;

CREATE UNIQUE INDEX dl_add_files_key
  ON dl_add_files (table_id, path_key, dv_id, version, origin);

CREATE TABLE dl_remove_files (
  file_id                    INTEGER PRIMARY KEY,
  table_id                   BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version                    INTEGER NOT NULL,
  origin                     INTEGER NOT NULL CHECK (origin IN (0, 1)),
  path_key                   BLOB NOT NULL,
  dv_id                      TEXT NOT NULL,
  path                       TEXT NOT NULL,
  deletion_timestamp         INTEGER,
  data_change                INTEGER NOT NULL,
  extended_file_metadata     INTEGER,
  partition_values           TEXT,
  size                       INTEGER,
  stats                      TEXT,
  tags                       TEXT,
  dv_storage_type            TEXT,
  dv_path_or_inline          TEXT,
  dv_offset                  INTEGER,
  dv_size_in_bytes           INTEGER,
  dv_cardinality             INTEGER,
  base_row_id                INTEGER,
  default_row_commit_version INTEGER
) STRICT;

CREATE UNIQUE INDEX dl_remove_files_key
  ON dl_remove_files (table_id, path_key, dv_id, version, origin);

CREATE TABLE dl_cdc_files (
  file_id          INTEGER PRIMARY KEY,
  table_id         BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version          INTEGER NOT NULL,
  path_key         BLOB NOT NULL,
  path             TEXT NOT NULL,
  partition_values TEXT,
  size             INTEGER NOT NULL,
  data_change      INTEGER NOT NULL,
  tags             TEXT
) STRICT;

CREATE INDEX dl_cdc_files_version ON dl_cdc_files (table_id, version);

CREATE TABLE dl_metadata_updates (
  table_id BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version  INTEGER NOT NULL,
  key      TEXT NOT NULL,
  value    TEXT NOT NULL,
  PRIMARY KEY (table_id, version, key)
) WITHOUT ROWID, STRICT;

CREATE TABLE dl_protocol_updates (
  table_id       BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version        INTEGER NOT NULL,
  protocol       TEXT NOT NULL CHECK (protocol IN ('reader', 'writer')),
  min_version    INTEGER NOT NULL,
  features       TEXT,
  unknown_fields TEXT,
  PRIMARY KEY (table_id, version, protocol)
) WITHOUT ROWID, STRICT;

CREATE TABLE dl_txn_actions (
  table_id     BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  app_id       TEXT NOT NULL,
  version      INTEGER NOT NULL,
  app_version  INTEGER NOT NULL,
  last_updated INTEGER,
  PRIMARY KEY (table_id, app_id, version)
) WITHOUT ROWID, STRICT;

CREATE TABLE dl_domain_metadata (
  table_id      BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  domain        TEXT NOT NULL,
  version       INTEGER NOT NULL,
  configuration TEXT NOT NULL,
  removed       INTEGER NOT NULL CHECK (removed IN (0, 1)),
  PRIMARY KEY (table_id, domain, version)
) WITHOUT ROWID, STRICT;

CREATE TABLE dl_file_segments (
  table_id      BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  as_of_version INTEGER NOT NULL,
  segment       INTEGER NOT NULL,
  num_files     INTEGER NOT NULL,
  zone_map      TEXT NOT NULL,
  block         BLOB NOT NULL,
  PRIMARY KEY (table_id, as_of_version, segment)
) STRICT;

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

CREATE TABLE dl_commit_fences (
  table_id   BLOB NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  commit_id  TEXT NOT NULL,
  attempt_id TEXT,
  fenced_at  INTEGER NOT NULL,
  PRIMARY KEY (table_id, commit_id)
) WITHOUT ROWID, STRICT;
