-- A domainMetadata.
INSERT INTO dl_domain_metadata (
       table_id, version, domain, configuration, removed)
VALUES ($1, $2, $3, $4, $5)
