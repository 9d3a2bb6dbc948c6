-- The mirrors of a table. $1 table_id. Columns as list_mirrors. Indexes: primary keys.
SELECT s.table_id, t.name, t.location, t.mode, t.earliest_version, t.current_version,
       s.mirror_engine, s.place, s.absolute_paths, s.published_version, s.checkpoint_version,
       s.next_state, s.attempts, s.added_at, s.last_attempt_at, s.last_success_at,
       s.next_attempt_at, s.last_error, s.owner, s.lease_until, s.alert_versions, s.alert_seconds,
       (SELECT v.ratified_at FROM dl_table_versions v
        WHERE v.table_id = s.table_id
          AND v.version >= coalesce(s.published_version + 1, t.earliest_version)
        ORDER BY v.version LIMIT 1)
FROM dl_mirror_status s JOIN dl_tables t ON t.table_id = s.table_id
WHERE s.table_id = $1 ORDER BY s.mirror_engine
