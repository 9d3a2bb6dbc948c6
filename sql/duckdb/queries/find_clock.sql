-- The database's clock, as it was when the transaction began. One row: µs since 1970, UTC.
SELECT epoch_us(now())
