-- A number that no table has. One row.
SELECT coalesce(max(table_no), 0) + 1 FROM deltalakedb.tables
