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
