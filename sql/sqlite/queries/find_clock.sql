-- The database's clock. One row: µs since 1970, UTC.
SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000
