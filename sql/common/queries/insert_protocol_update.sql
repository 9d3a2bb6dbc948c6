-- Half of a protocol.
INSERT INTO dl_protocol_updates (
       table_id, version, protocol, min_version, features, unknown_fields)
VALUES ($1, $2, $3, $4, $5, $6)
