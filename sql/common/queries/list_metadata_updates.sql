-- All rows of a table as insert_metadata_update wrote them. $1 table_id. Index: primary key.
SELECT table_id, version, key, value
FROM dl_metadata_updates WHERE table_id = $1 ORDER BY version, key
