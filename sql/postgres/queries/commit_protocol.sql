-- The protocol of a commit, after commit_advance. $1 table_id; lists: $2 to $5.
INSERT INTO dl_protocol_updates (table_id, version, protocol, min_version, features, unknown_fields)
SELECT $1, t.current_version, n.protocol, n.min_version, n.features, n.unknown_fields
FROM dl_tables t, unnest($2::text[], $3::bigint[], $4::text[], $5::text[])
     AS n (protocol, min_version, features, unknown_fields)
WHERE t.table_id = $1
