-- An id that no file has, and none above it. One row.
SELECT coalesce(max(file_id), 0) + 1 FROM deltalakedb.files
