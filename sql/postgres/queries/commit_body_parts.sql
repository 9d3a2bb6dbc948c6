-- The parts of a long text, after commit_advance. $1 table_id; lists: $2 part, $3 text_bytes,
-- $4 body.
INSERT INTO dl_body_parts (table_id, version, origin, part, text_bytes, body)
SELECT $1, t.current_version, 0, n.part, n.text_bytes, n.body
FROM dl_tables t, unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS n (part, text_bytes, body)
WHERE t.table_id = $1
