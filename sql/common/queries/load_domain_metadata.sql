-- The configuration of each domain at a version. $1 table_id, $2 version. Index: primary key.
SELECT domain, configuration FROM dl_domain_metadata d
WHERE table_id = $1 AND NOT removed
  AND version = (SELECT max(version) FROM dl_domain_metadata n
                 WHERE n.table_id = $1 AND n.domain = d.domain AND n.version <= $2)
