-- Files whose deleted rows are not as many as their vectors say. $1 table_no. One row.
SELECT count(*) FROM deltalakedb.files AS f
LEFT JOIN (SELECT file_id, count(DISTINCT position) AS n FROM deltalakedb.deleted_rows
           GROUP BY file_id) AS d ON d.file_id = f.file_id
WHERE f.table_no = $1 AND coalesce(d.n, 0) <> f.num_deleted
