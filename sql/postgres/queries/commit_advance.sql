-- The first step of a commit: locks the table's row, checks what its writer relied on, and moves it
-- on by one version. $1 table_id; $2 the version that it has to be at, or null for whichever it is
-- as long as $3 metadata_version and $4 protocol_version are its; $5 and $6 whether the commit sets
-- metaData and protocol; $7 the commit's timestamp, which counts where $8, its source, is
-- 'in-commit', and may be $9 ms ahead of the clock; $10 the last moment for the commit, in µs by
-- the clock here, or null. One row, or none where the table is gone; what does not fit raises:
-- DLV01 another version, DLV02 metaData or protocol changed, DLV03 too late, DLV04 a timestamp that
-- is not after the last, DLV05 one too far ahead, DLV07 a table whose log files decide. What is
-- checked is the row that is locked, also after waiting for it. What comes behind it is looked up
-- by keys, with plans that are made once and hold however large tables grow: for the rest of the
-- transaction the planner is told so.
-- Index: primary key.
UPDATE dl_tables
SET current_version = current_version + 1,
    metadata_version = CASE WHEN $5::text::boolean THEN current_version + 1
                            ELSE metadata_version END,
    protocol_version = CASE WHEN $6::text::boolean THEN current_version + 1
                            ELSE protocol_version END,
    last_commit_timestamp =
      CASE WHEN $8 = 'in-commit' THEN $7::bigint
           ELSE greatest(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                         last_commit_timestamp + 1) END,
    last_ratified_at = greatest(floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                                last_ratified_at + 1)
WHERE table_id = $1
  AND CASE
        WHEN mode <> 'exclusive' THEN dl_raise('DLV07', current_version::text)
        WHEN $2::bigint IS NOT NULL AND current_version <> $2::bigint
          THEN dl_raise('DLV01', current_version::text)
        WHEN $2::bigint IS NULL
             AND (metadata_version <> $3::bigint OR protocol_version <> $4::bigint)
          THEN dl_raise('DLV02', current_version::text)
        WHEN $10::bigint < extract(epoch FROM clock_timestamp()) * 1000000
          THEN dl_raise('DLV03', current_version::text)
        WHEN $8 = 'in-commit' AND $7::bigint <= last_commit_timestamp
          THEN dl_raise('DLV04', last_commit_timestamp::text)
        WHEN $8 = 'in-commit'
             AND $7::bigint > greatest(last_commit_timestamp + 1,
                                       extract(epoch FROM clock_timestamp()) * 1000 + $9::bigint)
          THEN dl_raise('DLV05', last_commit_timestamp::text)
        ELSE true
      END
RETURNING current_version, set_config('plan_cache_mode', 'force_generic_plan', true),
          set_config('enable_seqscan', 'off', true)
