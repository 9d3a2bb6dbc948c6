-- All rows of a table as insert_protocol_update wrote them. $1 table_id. Index: primary key.
SELECT table_id, version, protocol, min_version, features, unknown_fields
FROM dl_protocol_updates WHERE table_id = $1 ORDER BY version, protocol
