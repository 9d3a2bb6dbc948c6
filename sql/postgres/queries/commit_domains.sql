-- The domain metadata of a commit, after commit_advance. $1 table_id; lists: $2 domain,
-- $3 configuration, $4 removed.
INSERT INTO dl_domain_metadata (table_id, version, domain, configuration, removed)
SELECT $1, t.current_version, n.domain, n.configuration, n.removed
FROM dl_tables t, unnest($2::text[], $3::text[], $4::boolean[])
     AS n (domain, configuration, removed)
WHERE t.table_id = $1
