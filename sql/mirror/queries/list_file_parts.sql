-- How many files each part of a table lists. $1 table_no.
SELECT part, is_zoneless, count(*) FROM deltalakedb.files WHERE table_no = $1
GROUP BY part, is_zoneless ORDER BY part
