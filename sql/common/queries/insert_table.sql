-- A new table. Index: its keys must be free.
INSERT INTO dl_tables (
       table_id, name, location, current_version, earliest_version, base_version, base_body_hash,
       metadata_version, protocol_version, last_commit_timestamp, last_ratified_at, mode,
       properties, first_file_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
