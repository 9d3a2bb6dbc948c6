-- Takes lists: $1 table_no, $2 version, $3 time in ms, $4 operation, $5 commit_id, $6 num_added,
-- $7 num_removed.
INSERT INTO deltalakedb.versions
SELECT table_no, version, epoch_ms(committed) AT TIME ZONE 'UTC', operation, commit_id, num_added,
  num_removed
FROM (SELECT unnest($1::BIGINT[]) AS table_no, unnest($2::BIGINT[]) AS version,
  unnest($3::BIGINT[]) AS committed, unnest($4::VARCHAR[]) AS operation,
  unnest($5::VARCHAR[]) AS commit_id, unnest($6::BIGINT[]) AS num_added,
  unnest($7::BIGINT[]) AS num_removed)
