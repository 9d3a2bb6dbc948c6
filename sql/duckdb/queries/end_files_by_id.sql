-- Ends the live intervals of many files at once. Takes lists: $1 file_id, $2 the version with which
-- each ends.
UPDATE dl_add_files SET ended_version = ended.version
FROM (SELECT unnest($1::BIGINT[]) AS file_id, unnest($2::BIGINT[]) AS version) AS ended
WHERE dl_add_files.file_id = ended.file_id
