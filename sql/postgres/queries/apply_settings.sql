-- What a session or a transaction needs. $1 whether it is for the transaction only, $2 search_path,
-- $3 the catalog's SQL schema, $4 and $5 limits in milliseconds. One row.
SELECT set_config('search_path', $2, $1::text::boolean),
       set_config('deltalakedb.schema', $3, $1::text::boolean),
       set_config('statement_timeout', $4, $1::text::boolean),
       set_config('lock_timeout', $5, $1::text::boolean),
       set_config('standard_conforming_strings', 'on', $1::text::boolean),
       set_config('default_transaction_isolation', 'read committed', $1::text::boolean)
