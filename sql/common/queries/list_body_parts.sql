-- The parts of a text that is kept in parts, in order. $1 table_id, $2 version, $3 origin. Index:
-- primary key.
SELECT part, text_bytes, body FROM dl_body_parts
WHERE table_id = $1 AND version = $2 AND origin = $3 ORDER BY part
