DROP TABLE dl_staged_remove_files;
DROP TABLE dl_staged_add_files;
ALTER TABLE dl_tables ADD CONSTRAINT dl_tables_mode_check
  CHECK (mode IN ('exclusive', 'shared'));
ALTER TABLE dl_table_versions ADD FOREIGN KEY (table_id) REFERENCES dl_tables ON DELETE CASCADE;
ALTER TABLE dl_table_versions ADD CONSTRAINT dl_table_versions_version_check CHECK (version >= 0);
ALTER TABLE dl_table_versions ADD CONSTRAINT dl_table_versions_timestamp_source_check
  CHECK (timestamp_source IN ('in-commit', 'file', 'ours', 'checksum', 'checkpoint'));
ALTER TABLE dl_add_files ADD FOREIGN KEY (table_id) REFERENCES dl_tables ON DELETE CASCADE;
ALTER TABLE dl_add_files ADD CONSTRAINT dl_add_files_origin_check CHECK (origin IN (0, 1));
ALTER TABLE dl_remove_files ADD FOREIGN KEY (table_id) REFERENCES dl_tables ON DELETE CASCADE;
ALTER TABLE dl_remove_files ADD CONSTRAINT dl_remove_files_origin_check CHECK (origin IN (0, 1));
ALTER TABLE dl_cdc_files ADD FOREIGN KEY (table_id) REFERENCES dl_tables ON DELETE CASCADE;
