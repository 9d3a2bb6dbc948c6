-- All versions of a table, to tell them anew. $1 table_no.
DELETE FROM deltalakedb.versions WHERE table_no = $1
