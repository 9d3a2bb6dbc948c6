-- Holds a name against other writers, where one transaction at a time writes anyway. $1 the name.
-- One row.
SELECT CAST($1 AS text) IS NULL
