-- Whether the database has tables, of whatever kind. At most one row.
SELECT table_name FROM duckdb_tables() LIMIT 1
