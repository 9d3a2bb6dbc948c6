-- Takes back what a commit staged that was not made, and sweeps what others left a day ago. $1
-- staging_id. Reads all that is staged.
DELETE FROM dl_staged_remove_files
WHERE staging_id = $1
   OR staged_at < (extract(epoch FROM clock_timestamp()) - 86400) * 1000000
