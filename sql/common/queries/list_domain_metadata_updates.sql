-- All rows of a table as insert_domain_metadata_update wrote them. $1 table_id. Index: primary key.
SELECT table_id, version, domain, configuration, removed
FROM dl_domain_metadata WHERE table_id = $1 ORDER BY version, domain
