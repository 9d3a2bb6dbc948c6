-- A table by its id. $1 table_id. At most one row. Index: primary key.
SELECT table_id, name, location, current_version, earliest_version, base_version, base_body_hash,
       metadata_version, protocol_version, last_commit_timestamp, last_ratified_at, mode,
       properties, first_file_id
FROM dl_tables WHERE table_id = $1
