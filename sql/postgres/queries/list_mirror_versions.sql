-- How the newest versions of a table stand with its mirrors, newest first: the columns of
-- dl_mirror_versions. $1 table_id, $2 the first version that is wanted. Indexes: primary keys, also
-- in a catalog that nothing is known of yet, since an order is asked for.
SELECT s.mirror_engine, v.version,
       CASE WHEN v.version <= s.published_version THEN 'SUCCESS'
            WHEN s.next_state <> 'PENDING' AND v.version = coalesce(s.published_version + 1,
                                                                    t.earliest_version)
            THEN 'FAILED' ELSE 'PENDING' END,
       CASE WHEN v.version = coalesce(s.published_version + 1, t.earliest_version)
            THEN s.attempts ELSE 0 END,
       CASE WHEN v.version = coalesce(s.published_version + 1, t.earliest_version)
            THEN s.last_error END
FROM dl_mirror_status s
JOIN dl_tables t ON t.table_id = s.table_id
CROSS JOIN (SELECT version FROM dl_table_versions WHERE table_id = $1 AND version >= $2
            ORDER BY version LIMIT 9223372036854775807) v
WHERE s.table_id = $1
ORDER BY s.mirror_engine, v.version DESC
