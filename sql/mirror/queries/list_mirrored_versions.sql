-- $1 table_no.
SELECT version, epoch_ms(committed_at), operation, commit_id, num_added, num_removed
FROM deltalakedb.versions WHERE table_no = $1 ORDER BY version
