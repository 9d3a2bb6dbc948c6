-- The text of a commit, compressed. $1 table_id, $2 version. At most one row. Index: primary key.
SELECT body, body_bytes, body_parts, body_hash
FROM dl_table_versions WHERE table_id = $1 AND version = $2
