-- One moment for the tables of a commit, once all their rows are locked: later than the last commit
-- of each. Lists: $1 table_id, $2 whether the commit changes the table, which it has been moved on
-- by then. Raises DLV06 where one is gone. Index: primary key.
WITH named AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::boolean[]) AS n (table_id, is_changed)
),
moment AS MATERIALIZED (  -- so that the clock is read once
  SELECT greatest(floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                  max(CASE WHEN n.is_changed THEN l.last_ratified_at
                           ELSE l.last_ratified_at + 1 END)) AS ratified_at,
         count(l.table_id) AS found
  FROM named n
  LEFT JOIN dl_tables l ON l.table_id = n.table_id
)
UPDATE dl_tables t
SET last_ratified_at = m.ratified_at
FROM moment m
WHERE CASE WHEN m.found <> cardinality($1::uuid[]) THEN dl_raise('DLV06', m.found::text)
           ELSE true END
  AND t.table_id IN (SELECT n.table_id FROM named n WHERE n.is_changed)
