-- The first step of several appends: locks the table's row, waiting for the commits before them,
-- and tells the planner what commit_advance does. $1 table_id. Index: primary key.
SELECT current_version, set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_seqscan', 'off', true)
FROM dl_tables WHERE table_id = $1 FOR NO KEY UPDATE
