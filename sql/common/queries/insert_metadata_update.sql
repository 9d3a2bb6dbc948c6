-- A field of a metaData.
INSERT INTO dl_metadata_updates (
       table_id, version, key, value)
VALUES ($1, $2, $3, $4)
