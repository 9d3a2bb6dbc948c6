-- Takes away all that 0001_initial.up.sql made, with what is in it.
DROP TABLE dl_commit_fences;
DROP TABLE dl_mirror_status;
DROP TABLE dl_file_segments;
DROP TABLE dl_domain_metadata;
DROP TABLE dl_txn_actions;
DROP TABLE dl_protocol_updates;
DROP TABLE dl_metadata_updates;
DROP TABLE dl_cdc_files;
DROP TABLE dl_remove_files;
DROP TABLE dl_add_files;
DROP TABLE dl_body_parts;
DROP TABLE dl_table_versions;
DROP TABLE dl_tables;
