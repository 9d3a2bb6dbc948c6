-- How many of the mirror's own tables there are: none in a new file. One row.
SELECT count(*) FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'deltalakedb'
  AND table_name IN ('tables', 'versions', 'files', 'deleted_rows')
