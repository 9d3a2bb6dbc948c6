-- The transaction log of Delta tables. docs/schema.md describes every column.
--
-- There are no keys and no indexes: DuckDB finds rows by scanning the columns that name them, and
-- its keys refuse rows that were deleted and are put in again by the same transaction. Writers take
-- turns and look before they insert, and `verify` finds what a key would have refused
-- (docs/adr/0009-duckdb-as-a-store.md).

CREATE TABLE dl_tables (
  table_id              UUID NOT NULL,
  name                  VARCHAR NOT NULL,
  location              VARCHAR NOT NULL,
  current_version       BIGINT NOT NULL,
  earliest_version      BIGINT NOT NULL,
  base_version          BIGINT,
  base_body_hash        BLOB,
  metadata_version      BIGINT NOT NULL,
  protocol_version      BIGINT NOT NULL,
  last_commit_timestamp BIGINT NOT NULL,
  last_ratified_at      BIGINT NOT NULL,
  mode                  VARCHAR NOT NULL CHECK (mode IN ('exclusive', 'shared')),
  properties            VARCHAR NOT NULL,
  first_file_id         BIGINT NOT NULL
);

CREATE TABLE dl_table_versions (
  table_id         UUID NOT NULL,
  version          BIGINT NOT NULL CHECK (version >= 0),
  timestamp        BIGINT NOT NULL,
  raw_timestamp    BIGINT NOT NULL,
  timestamp_source VARCHAR NOT NULL
                   CHECK (timestamp_source IN
                          ('in-commit', 'file', 'ours', 'checksum', 'checkpoint')),
  ratified_at      BIGINT NOT NULL,
  commit_id        VARCHAR NOT NULL,
  transaction_id   UUID,
  num_added        BIGINT NOT NULL,
  num_removed      BIGINT NOT NULL,
  num_cdc          BIGINT NOT NULL,
  num_files        BIGINT NOT NULL,
  size_in_bytes    BIGINT NOT NULL,
  last_add_id      BIGINT NOT NULL,
  last_remove_id   BIGINT NOT NULL,
  last_cdc_id      BIGINT NOT NULL,
  commit_info      VARCHAR,
  operation        VARCHAR,
  body_hash        BLOB,
  body_bytes       BIGINT,
  body_parts       BIGINT NOT NULL,
  row_hash         BLOB NOT NULL,
  -- What people ask for most of commit_info. DuckDB's own parser may refuse what others take.
  operation_parameters VARCHAR GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN json_extract_string(commit_info, '$.operationParameters') END) VIRTUAL,
  operation_metrics VARCHAR GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN json_extract_string(commit_info, '$.operationMetrics') END) VIRTUAL,
  committer        VARCHAR GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN coalesce(json_extract_string(commit_info, '$.userName'),
                        json_extract_string(commit_info, '$.engineInfo')) END) VIRTUAL,
  is_blind_append  BOOLEAN GENERATED ALWAYS AS
    (CASE WHEN json_valid(commit_info)
          THEN TRY_CAST(json_extract_string(commit_info, '$.isBlindAppend') AS BOOLEAN) END)
    VIRTUAL,
  body             BLOB
);

CREATE TABLE dl_body_parts (
  table_id   UUID NOT NULL,
  version    BIGINT NOT NULL,
  origin     BIGINT NOT NULL CHECK (origin IN (0, 1)),
  part       BIGINT NOT NULL CHECK (part >= 0),
  text_bytes BIGINT NOT NULL,
  body       BLOB NOT NULL
);

CREATE TABLE dl_add_files (
  file_id                    BIGINT NOT NULL,
  table_id                   UUID NOT NULL,
  version                    BIGINT NOT NULL,
  origin                     BIGINT NOT NULL CHECK (origin IN (0, 1)),
  path_key                   BLOB NOT NULL,
  dv_id                      VARCHAR NOT NULL,
  ended_version              BIGINT,
  path                       VARCHAR NOT NULL,
  partition_values           VARCHAR,
  size                       BIGINT NOT NULL,
  modification_time          BIGINT NOT NULL,
  data_change                BOOLEAN NOT NULL,
  stats                      VARCHAR,
  tags                       VARCHAR,
  dv_storage_type            VARCHAR,
  dv_path_or_inline          VARCHAR,
  dv_offset                  BIGINT,
  dv_size_in_bytes           BIGINT,
  dv_cardinality             BIGINT,
  base_row_id                BIGINT,
  default_row_commit_version BIGINT,
  clustering_provider        VARCHAR
);

CREATE TABLE dl_remove_files (
  file_id                    BIGINT NOT NULL,
  table_id                   UUID NOT NULL,
  version                    BIGINT NOT NULL,
  origin                     BIGINT NOT NULL CHECK (origin IN (0, 1)),
  path_key                   BLOB NOT NULL,
  dv_id                      VARCHAR NOT NULL,
  path                       VARCHAR NOT NULL,
  deletion_timestamp         BIGINT,
  data_change                BOOLEAN NOT NULL,
  extended_file_metadata     BOOLEAN,
  partition_values           VARCHAR,
  size                       BIGINT,
  stats                      VARCHAR,
  tags                       VARCHAR,
  dv_storage_type            VARCHAR,
  dv_path_or_inline          VARCHAR,
  dv_offset                  BIGINT,
  dv_size_in_bytes           BIGINT,
  dv_cardinality             BIGINT,
  base_row_id                BIGINT,
  default_row_commit_version BIGINT
);

CREATE TABLE dl_cdc_files (
  file_id          BIGINT NOT NULL,
  table_id         UUID NOT NULL,
  version          BIGINT NOT NULL,
  path_key         BLOB NOT NULL,
  path             VARCHAR NOT NULL,
  partition_values VARCHAR,
  size             BIGINT NOT NULL,
  data_change      BOOLEAN NOT NULL,
  tags             VARCHAR
);

CREATE TABLE dl_metadata_updates (
  table_id UUID NOT NULL,
  version  BIGINT NOT NULL,
  key      VARCHAR NOT NULL,
  value    VARCHAR NOT NULL
);

CREATE TABLE dl_protocol_updates (
  table_id       UUID NOT NULL,
  version        BIGINT NOT NULL,
  protocol       VARCHAR NOT NULL CHECK (protocol IN ('reader', 'writer')),
  min_version    BIGINT NOT NULL,
  features       VARCHAR,
  unknown_fields VARCHAR
);

CREATE TABLE dl_txn_actions (
  table_id     UUID NOT NULL,
  app_id       VARCHAR NOT NULL,
  version      BIGINT NOT NULL,
  app_version  BIGINT NOT NULL,
  last_updated BIGINT
);

CREATE TABLE dl_domain_metadata (
  table_id      UUID NOT NULL,
  domain        VARCHAR NOT NULL,
  version       BIGINT NOT NULL,
  configuration VARCHAR NOT NULL,
  removed       BOOLEAN NOT NULL
);

CREATE TABLE dl_file_segments (
  table_id      UUID NOT NULL,
  as_of_version BIGINT NOT NULL,
  segment       BIGINT NOT NULL,
  num_files     BIGINT NOT NULL,
  zone_map      VARCHAR NOT NULL,
  block         BLOB NOT NULL
);

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

CREATE TABLE dl_commit_fences (
  table_id   UUID NOT NULL,
  commit_id  VARCHAR NOT NULL,
  attempt_id VARCHAR,
  fenced_at  BIGINT NOT NULL
);
