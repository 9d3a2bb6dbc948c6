-- Takes away what commits left a day ago whose writers died. Reads all that is staged.
DELETE FROM dl_staged_remove_files WHERE staged_at < now() - interval '1 day'
