#!/usr/bin/env bash
# `make quickstart`: a real Delta table, written by delta-rs, seen through this program. Each
# command is shown as you would type it with build/release/bin on your PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/build/release/bin:$PATH

flights=build/quickstart/flights
database=build/quickstart/meta.db
catalog=deltasql://sqlite/$database
imported="$catalog?table=flights"

step() {  # TITLE COMMAND-LINE
  printf '\n# %s\n$ %s\n' "$1" "$2"
  bash -c "$2"
}

echo "# Making a Delta table with delta-rs out of the flights that left New York in 2013"
.venv/bin/python tools/quickstart.py make "$flights"
rm -f "$database" "$database-wal" "$database-shm"

step "What happened to the table, newest first" "deltalakedb history $flights"
step "Its state now" "deltalakedb snapshot $flights"
step "Its state at first" "deltalakedb snapshot $flights --version 0"
step "Its files" "deltalakedb files $flights | head"
step "Its columns" "deltalakedb schema $flights"
step "The same for scripts" "deltalakedb history $flights --limit 1 --json"

step "Its whole log into an SQLite database" "deltalakedb import $flights '$imported'"
step "The tables that the database has" "deltalakedb tables $catalog"
step "The same questions, answered from there: what happened" "deltalakedb history '$imported'"
step "Its files" "deltalakedb files '$imported' | head"
step "Its state at first" "deltalakedb snapshot '$imported' --version 0"
step "Whether everything is as it should be" "deltalakedb verify '$imported' --against $flights"

echo
.venv/bin/python tools/quickstart.py compare "$flights" "$imported"

step "From now on whoever reads the folder sees what is committed to the database" \
  "deltalakedb mirror add '$imported' delta --mode exclusive"

april=build/quickstart/april.jsonl
.venv/bin/python tools/quickstart.py remove "$imported" month=4 > "$april"
step "A commit to it: April taken out again" \
  "deltalakedb commit '$imported' --actions $april --operation DELETE"

step "How far that mirror is" "deltalakedb mirror status '$imported'"
echo
.venv/bin/python tools/quickstart.py compare "$flights" "$imported"

step "Rows out, by a condition" \
  "deltalakedb scan '$imported' --columns month,day,carrier,dep_delay --where 'dep_delay > 800'"
step "April as it was, into a file" \
  "deltalakedb scan $flights --version 1 --where 'month = 4' -o build/quickstart/april.parquet"
step "And these rows in again" "deltalakedb append '$imported' build/quickstart/april.parquet"
step "Rows deleted" "deltalakedb delete '$imported' --where 'month = 3 AND dep_time IS NULL'"
step "What that did to the files" "deltalakedb history '$imported' --limit 2"
echo
.venv/bin/python tools/quickstart.py compare "$flights" "$imported"

exported=build/quickstart/exported
rm -rf "$exported"
step "Its log out again, for any other reader" "deltalakedb export '$imported' $exported"
echo
.venv/bin/python tools/quickstart.py compare "$exported" "$imported"

duckdb=build/quickstart/meta.duckdb
rm -f "$duckdb" "$duckdb.wal"
step "The same in DuckDB" "deltalakedb import $flights 'deltasql://duckdb/$duckdb?table=flights'"

# A PostgreSQL server of its own, in a temporary folder, gone at the end.
if [[ -n $(compgen -G '/usr/lib/postgresql/*/bin/initdb') ]] || command -v initdb >/dev/null; then
  coproc server { exec .venv/bin/python tests/postgres_server.py; }
  server_process=$server_PID
  read -r -u "${server[0]}" told
  postgres=$(.venv/bin/python tools/quickstart.py uri "$told")
  step "And in PostgreSQL, as in production" "deltalakedb import $flights $postgres/flights"
  step "The tables that the server has" "deltalakedb tables $postgres/"
  step "The table at first" "deltalakedb snapshot $postgres/flights --version 0"
  echo
  .venv/bin/python tools/quickstart.py compare "$flights" "$postgres/flights"
  eval "exec ${server[1]}>&-"
  wait "$server_process" || true
else
  echo "There is no PostgreSQL server here, so it is not shown."
fi
