-- Commits faster, and large ones.
--
-- The rows that every commit writes take their table from the row of dl_tables that it has locked,
-- so that checking each of them once more finds nothing, and costs a third of a commit (ADR 11).
ALTER TABLE dl_table_versions DROP CONSTRAINT dl_table_versions_table_id_fkey;
ALTER TABLE dl_table_versions DROP CONSTRAINT dl_table_versions_version_check;
ALTER TABLE dl_table_versions DROP CONSTRAINT dl_table_versions_timestamp_source_check;
ALTER TABLE dl_add_files DROP CONSTRAINT dl_add_files_table_id_fkey;
ALTER TABLE dl_add_files DROP CONSTRAINT dl_add_files_origin_check;
ALTER TABLE dl_remove_files DROP CONSTRAINT dl_remove_files_table_id_fkey;
ALTER TABLE dl_remove_files DROP CONSTRAINT dl_remove_files_origin_check;
ALTER TABLE dl_cdc_files DROP CONSTRAINT dl_cdc_files_table_id_fkey;
-- Every commit updates its row there, and a CHECK is parsed anew by every statement that writes.
ALTER TABLE dl_tables DROP CONSTRAINT dl_tables_mode_check;

-- The files of large commits on their way, which come by COPY before a commit locks its table, and
-- leave with it. What a writer that died left is swept by the next one after a day.
CREATE UNLOGGED TABLE dl_staged_add_files (
  staging_id                 uuid NOT NULL,
  staged_at                  timestamptz NOT NULL DEFAULT now(),
  number                     bigint NOT NULL,
  path_key                   uuid NOT NULL,
  dv_id                      text NOT NULL,
  path                       text NOT NULL,
  partition_values           text,
  size                       bigint,
  modification_time          bigint,
  data_change                boolean NOT NULL,
  stats                      text,
  tags                       text,
  dv_storage_type            text,
  dv_path_or_inline          text,
  dv_offset                  bigint,
  dv_size_in_bytes           bigint,
  dv_cardinality             bigint,
  base_row_id                bigint,
  default_row_commit_version bigint,
  clustering_provider        text
);
CREATE INDEX dl_staged_add_files_id ON dl_staged_add_files (staging_id);

CREATE UNLOGGED TABLE dl_staged_remove_files (
  staging_id                 uuid NOT NULL,
  staged_at                  timestamptz NOT NULL DEFAULT now(),
  number                     bigint NOT NULL,
  path_key                   uuid NOT NULL,
  dv_id                      text NOT NULL,
  path                       text NOT NULL,
  deletion_timestamp         bigint,
  data_change                boolean NOT NULL,
  extended_file_metadata     boolean,
  partition_values           text,
  size                       bigint,
  stats                      text,
  tags                       text,
  dv_storage_type            text,
  dv_path_or_inline          text,
  dv_offset                  bigint,
  dv_size_in_bytes           bigint,
  dv_cardinality             bigint,
  base_row_id                bigint,
  default_row_commit_version bigint
);
CREATE INDEX dl_staged_remove_files_id ON dl_staged_remove_files (staging_id);
