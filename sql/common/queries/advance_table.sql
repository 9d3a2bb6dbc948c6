-- Moves a table to its newest version. $1 table_id, $2 the version it has to be at, $3 to $8 the
-- new values. One row, or none where another commit came first. Index: primary key.
UPDATE dl_tables
SET current_version = $3, metadata_version = $4, protocol_version = $5,
    last_commit_timestamp = $6, last_ratified_at = $7, base_body_hash = $8
WHERE table_id = $1 AND current_version = $2
