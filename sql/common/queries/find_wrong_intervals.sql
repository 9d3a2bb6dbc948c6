-- Adds whose interval does not end with the next version that names the file. An add that ends with
-- its own version was overtaken within it, which only its text shows. $1 table_id. No rows in a
-- sound
-- table. Index: dl_add_files and dl_remove_files (table_id, path_key, …), once each per row.
SELECT version, path, ended_version, next_add, next_remove
FROM (
  SELECT a.version, a.path, a.ended_version,
         (SELECT min(b.version) FROM dl_add_files b
          WHERE b.table_id = a.table_id AND b.path_key = a.path_key AND b.dv_id = a.dv_id
            AND b.version > a.version) AS next_add,
         (SELECT min(r.version) FROM dl_remove_files r
          WHERE r.table_id = a.table_id AND r.path_key = a.path_key AND r.dv_id = a.dv_id
            AND r.version > a.version) AS next_remove
  FROM dl_add_files a
  WHERE a.table_id = $1) AS named
WHERE coalesce(ended_version, -1) <> version
  AND coalesce(ended_version, -1) <>
      CASE WHEN next_add IS NULL THEN coalesce(next_remove, -1)
           WHEN next_remove IS NULL OR next_add < next_remove THEN next_add
           ELSE next_remove END
ORDER BY version LIMIT 100
