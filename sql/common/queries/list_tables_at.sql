-- The tables whose data is at a place. $1 location. Mostly one row. Index: dl_tables_location.
SELECT table_id, name, location, current_version, earliest_version, base_version, base_body_hash,
       metadata_version, protocol_version, last_commit_timestamp, last_ratified_at, mode,
       properties, first_file_id
FROM dl_tables WHERE location = $1 ORDER BY name
