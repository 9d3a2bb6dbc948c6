-- The text of a commit, compressed. $1 table_id, $2 version. At most one row. Index: primary key;
-- see find_version.
SELECT body, body_bytes, body_parts, body_hash
FROM (SELECT * FROM dl_table_versions WHERE table_id = $1 AND version >= $2
      ORDER BY version LIMIT 1) v
WHERE version = $2
