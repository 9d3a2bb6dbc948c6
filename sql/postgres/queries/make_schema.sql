-- Makes the SQL schema of the catalog where it is not there. Whoever may use it but not make any
-- needs no more than that.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace
                 WHERE nspname = current_setting('deltalakedb.schema')) THEN
    EXECUTE format('CREATE SCHEMA %I', current_setting('deltalakedb.schema'));
  END IF;
END
$$
