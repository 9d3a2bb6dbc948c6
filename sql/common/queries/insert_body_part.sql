-- A part of a text.
INSERT INTO dl_body_parts (table_id, version, origin, part, text_bytes, body)
VALUES ($1, $2, $3, $4, $5, $6)
