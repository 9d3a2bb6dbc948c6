-- A table by its name. $1 name. At most one row. Index: dl_tables (name).
SELECT table_id, name, location, current_version, earliest_version, base_version, base_body_hash,
       metadata_version, protocol_version, last_commit_timestamp, last_ratified_at, mode,
       properties, first_file_id
FROM dl_tables WHERE name = $1
