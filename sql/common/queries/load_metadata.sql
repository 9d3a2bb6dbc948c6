-- The fields of a table's metaData at a version. $1 table_id, $2 version. About eight rows. Index:
-- primary key.
SELECT key, value FROM dl_metadata_updates
WHERE table_id = $1
  AND version = (SELECT max(version) FROM dl_metadata_updates WHERE table_id = $1 AND version <= $2)
ORDER BY key
