-- Whether a table has deleted rows. $1 table_no. One row.
SELECT count(*) FROM deltalakedb.files WHERE table_no = $1 AND num_deleted > 0
