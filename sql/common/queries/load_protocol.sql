-- A table's protocol at a version. $1 table_id, $2 version. Two rows, the reader's first. Index:
-- primary key.
SELECT protocol, min_version, features, unknown_fields FROM dl_protocol_updates
WHERE table_id = $1
  AND version = (SELECT max(version) FROM dl_protocol_updates WHERE table_id = $1 AND version <= $2)
ORDER BY protocol
