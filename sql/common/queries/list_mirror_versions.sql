-- How the newest versions of a table stand with its mirrors, newest first. $1 table_id, $2 the
-- first version that is wanted. Indexes: primary keys.
SELECT mirror_engine, version, state, attempts, error
FROM dl_mirror_versions WHERE table_id = $1 AND version >= $2
ORDER BY mirror_engine, version DESC
