-- All tables. One row each, the columns of find_table_by_name and the number of live files.
SELECT t.table_id, t.name, t.location, t.current_version, t.earliest_version, t.base_version,
       t.base_body_hash, t.metadata_version, t.protocol_version, t.last_commit_timestamp,
       t.last_ratified_at, t.mode, t.properties, t.first_file_id, v.num_files
FROM dl_tables t
LEFT JOIN dl_table_versions v ON v.table_id = t.table_id AND v.version = t.current_version
ORDER BY t.name
