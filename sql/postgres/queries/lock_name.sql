-- Waits until no other transaction holds this name, and holds it until the end of this one. $1 the
-- name. One row.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) IS NULL
