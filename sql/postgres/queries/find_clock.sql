-- The database's clock. One row: µs since 1970, UTC.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
