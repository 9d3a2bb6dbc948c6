-- Where the file ids of a new table begin: each table counts for itself, as keys begin with
-- table_id. One row.
SELECT 0::bigint
