-- What a DuckDB mirror keeps beside its views (docs/mirror-duckdb.md). Readers may query all of it.
--
-- There are no keys and no indexes, as in catalogs that are DuckDB files
-- (docs/adr/0009-duckdb-as-a-store.md).

CREATE SCHEMA deltalakedb;

CREATE TABLE deltalakedb.tables (
  table_no     BIGINT NOT NULL,   -- in this file
  table_id     VARCHAR NOT NULL,  -- in its catalog
  view_name    VARCHAR NOT NULL,
  location     VARCHAR NOT NULL,
  version      BIGINT NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  definition   VARCHAR NOT NULL   -- of what the view stands on
);

CREATE TABLE deltalakedb.versions (
  table_no     BIGINT NOT NULL,
  version      BIGINT NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  operation    VARCHAR,
  commit_id    VARCHAR,
  num_added    BIGINT NOT NULL,
  num_removed  BIGINT NOT NULL
);

CREATE TABLE deltalakedb.files (
  table_no         BIGINT NOT NULL,
  file_id          BIGINT NOT NULL,
  path             VARCHAR NOT NULL,  -- absolute and decoded, as the column filename has it
  size             BIGINT NOT NULL,
  modified_at      TIMESTAMP WITH TIME ZONE NOT NULL,
  partition_values MAP(VARCHAR, VARCHAR) NOT NULL,  -- by physical name, in one spelling
  deletion_vector  VARCHAR,           -- its unique id
  num_deleted      BIGINT NOT NULL,
  is_zoneless      BOOLEAN NOT NULL,  -- its timestamps do not say that they are UTC
  part             BIGINT NOT NULL    -- the macro that lists the path
);

CREATE TABLE deltalakedb.deleted_rows (
  file_id  BIGINT NOT NULL,
  position BIGINT NOT NULL  -- from 0
);
