-- Where the file ids of a new table begin: each table has room for 2^40. One row.
SELECT coalesce(max(first_file_id) + 1099511627776, 0) FROM dl_tables
