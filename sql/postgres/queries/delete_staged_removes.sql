-- The last step of a large commit, or what becomes of one that was not made. $1 staging_id. Index:
-- that on staging_id.
DELETE FROM dl_staged_remove_files WHERE staging_id = $1
