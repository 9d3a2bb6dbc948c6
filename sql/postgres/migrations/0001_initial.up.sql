-- The transaction log of Delta tables. docs/schema.md describes every column.
--
-- Every key of a relation of a table begins with table_id. Texts that order or identify rows
-- compare by their bytes (COLLATE "C"). Hashes of 128 bits are kept in PostgreSQL's type of 16
-- bytes, uuid. Columns of fixed width come first, so that rows lose nothing to alignment.

CREATE TABLE dl_tables (
  table_id              uuid NOT NULL PRIMARY KEY,
  current_version       bigint NOT NULL,
  earliest_version      bigint NOT NULL,
  base_version          bigint,
  metadata_version      bigint NOT NULL,
  protocol_version      bigint NOT NULL,
  last_commit_timestamp bigint NOT NULL,
  last_ratified_at      bigint NOT NULL,
  first_file_id         bigint NOT NULL,
  base_body_hash        uuid,
  name                  text COLLATE "C" NOT NULL UNIQUE,
  location              text COLLATE "C" NOT NULL,
  mode                  text NOT NULL CHECK (mode IN ('exclusive', 'shared')),
  properties            text NOT NULL
) WITH (fillfactor = 50);  -- each commit writes the row anew, on the same page if there is room

CREATE INDEX dl_tables_location ON dl_tables (location);

CREATE TABLE dl_table_versions (
  table_id         uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version          bigint NOT NULL CHECK (version >= 0),
  timestamp        bigint NOT NULL,
  raw_timestamp    bigint NOT NULL,
  ratified_at      bigint NOT NULL,
  num_added        bigint NOT NULL,
  num_removed      bigint NOT NULL,
  num_cdc          bigint NOT NULL,
  num_files        bigint NOT NULL,
  size_in_bytes    bigint NOT NULL,
  last_add_id      bigint NOT NULL,
  last_remove_id   bigint NOT NULL,
  last_cdc_id      bigint NOT NULL,
  body_bytes       bigint,
  body_parts       bigint NOT NULL,
  transaction_id   uuid,
  body_hash        uuid,
  row_hash         uuid NOT NULL,
  timestamp_source text NOT NULL
                   CHECK (timestamp_source IN
                          ('in-commit', 'file', 'ours', 'checksum', 'checkpoint')),
  commit_id        text COLLATE "C" NOT NULL,
  operation        text,
  commit_info      text,
  body             bytea,
  PRIMARY KEY (table_id, version),
  UNIQUE (table_id, commit_id)
);
-- The text is compressed already, and is read by itself.
ALTER TABLE dl_table_versions ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE dl_body_parts (
  table_id   uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version    bigint NOT NULL,
  part       bigint NOT NULL CHECK (part >= 0),
  text_bytes bigint NOT NULL,
  origin     smallint NOT NULL CHECK (origin IN (0, 1)),
  body       bytea NOT NULL,
  PRIMARY KEY (table_id, version, origin, part)
);
ALTER TABLE dl_body_parts ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE dl_add_files (
  file_id                    bigint NOT NULL,
  table_id                   uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  path_key                   uuid NOT NULL,
  version                    bigint NOT NULL,
  ended_version              bigint,
  size                       bigint NOT NULL,
  modification_time          bigint NOT NULL,
  dv_offset                  bigint,
  dv_size_in_bytes           bigint,
  dv_cardinality             bigint,
  base_row_id                bigint,
  default_row_commit_version bigint,
  origin                     smallint NOT NULL CHECK (origin IN (0, 1)),
  data_change                boolean NOT NULL,
  dv_id                      text COLLATE "C" NOT NULL,
  path                       text NOT NULL,
  partition_values           text,
  stats                      text,
  tags                       text,
  dv_storage_type            text,
  dv_path_or_inline          text,
  clustering_provider        text,
  PRIMARY KEY (table_id, path_key, dv_id, version, origin)
);

-- Partition values as jsonb, for the tables that have them. jsonb cannot hold the character U+0000.
CREATE INDEX dl_add_files_partition_values
  ON dl_add_files USING gin ((partition_values::jsonb) jsonb_path_ops)
  WHERE partition_values <> '{}' AND strpos(partition_values, '\u0000') = 0;

CREATE VIEW dl_partitioned_files AS
SELECT table_id, version, ended_version, file_id, path, size, partition_values::jsonb
FROM dl_add_files
WHERE partition_values <> '{}' AND strpos(partition_values, '\u0000') = 0;

CREATE TABLE dl_remove_files (
  file_id                    bigint NOT NULL,
  table_id                   uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  path_key                   uuid NOT NULL,
  version                    bigint NOT NULL,
  deletion_timestamp         bigint,
  size                       bigint,
  dv_offset                  bigint,
  dv_size_in_bytes           bigint,
  dv_cardinality             bigint,
  base_row_id                bigint,
  default_row_commit_version bigint,
  origin                     smallint NOT NULL CHECK (origin IN (0, 1)),
  data_change                boolean NOT NULL,
  extended_file_metadata     boolean,
  dv_id                      text COLLATE "C" NOT NULL,
  path                       text NOT NULL,
  partition_values           text,
  stats                      text,
  tags                       text,
  dv_storage_type            text,
  dv_path_or_inline          text,
  PRIMARY KEY (table_id, path_key, dv_id, version, origin)
);

CREATE TABLE dl_cdc_files (
  file_id          bigint NOT NULL,
  table_id         uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  path_key         uuid NOT NULL,
  version          bigint NOT NULL,
  size             bigint NOT NULL,
  data_change      boolean NOT NULL,
  path             text NOT NULL,
  partition_values text,
  tags             text,
  PRIMARY KEY (table_id, version, file_id)
);

CREATE TABLE dl_metadata_updates (
  table_id uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version  bigint NOT NULL,
  key      text COLLATE "C" NOT NULL,
  value    text NOT NULL,
  PRIMARY KEY (table_id, version, key)
);

CREATE TABLE dl_protocol_updates (
  table_id       uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version        bigint NOT NULL,
  min_version    bigint NOT NULL,
  protocol       text COLLATE "C" NOT NULL CHECK (protocol IN ('reader', 'writer')),
  features       text,
  unknown_fields text,
  PRIMARY KEY (table_id, version, protocol)
);

CREATE TABLE dl_txn_actions (
  table_id     uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version      bigint NOT NULL,
  app_version  bigint NOT NULL,
  last_updated bigint,
  app_id       text COLLATE "C" NOT NULL,
  PRIMARY KEY (table_id, app_id, version)
);

CREATE TABLE dl_domain_metadata (
  table_id      uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  version       bigint NOT NULL,
  removed       boolean NOT NULL,
  domain        text COLLATE "C" NOT NULL,
  configuration text NOT NULL,
  PRIMARY KEY (table_id, domain, version)
);

CREATE TABLE dl_file_segments (
  table_id      uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  as_of_version bigint NOT NULL,
  segment       bigint NOT NULL,
  num_files     bigint NOT NULL,
  zone_map      text NOT NULL,
  block         bytea NOT NULL,
  PRIMARY KEY (table_id, as_of_version, segment)
);
ALTER TABLE dl_file_segments ALTER COLUMN block SET STORAGE EXTERNAL;

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

CREATE TABLE dl_commit_fences (
  table_id   uuid NOT NULL REFERENCES dl_tables ON DELETE CASCADE,
  fenced_at  bigint NOT NULL,
  commit_id  text COLLATE "C" NOT NULL,
  attempt_id text,
  PRIMARY KEY (table_id, commit_id)
);
