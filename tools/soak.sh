#!/usr/bin/env bash
# `make soak`: what takes too long for every change. FUZZ_RUNS is the number of inputs each fuzz
# target gets.
JOBS=${JOBS:-$(nproc)}
FUZZ_RUNS=${FUZZ_RUNS:-1000000}
source "$(dirname "$0")/stages.sh"

# Runs a share of one target's inputs, on a copy of its corpus, so that what it finds on the way
# stays out of git. An input that fails it is kept in build/fuzz.
fuzz_share() {  # TARGET SHARE
  local name=${1#fuzz_} corpus=$work/corpus-$2 log=$work/fuzz-$2
  rm -rf "$corpus" && mkdir "$corpus"
  if [[ -d fuzz/corpus/$name ]]; then cp -r "fuzz/corpus/$name/." "$corpus"; fi
  if ! "build/fuzz/bin/$1" -runs=$(((FUZZ_RUNS + JOBS - 1) / JOBS)) -max_len=65536 -timeout=30 \
      -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" "$corpus" \
      >"$log" 2>&1; then
    tail -n 60 "$log"
    return 1
  fi
}

# All inputs of one target, shared out among as many processes as there are processors.
fuzz() {  # TARGET
  local share pids=() failures=0 runs
  for ((share = 0; share < JOBS; share++)); do
    fuzz_share "$1" "$share" &
    pids+=($!)
  done
  for share in "${pids[@]}"; do wait "$share" || failures=$((failures + 1)); done
  runs=$(awk '/^stat::number_of_executed_units:/ { n += $2 } END { print n + 0 }' "$work"/fuzz-*)
  rm -f "$work"/fuzz-*
  echo "$1: $runs runs"
  [[ $failures -eq 0 && $runs -ge $FUZZ_RUNS ]]
}

stage "set-up" tools/setup.sh --soak || finish
build_with_large_peers() {
  cmake --preset release -DDELTALAKEDB_SPARK_TESTS=ON -DDELTALAKEDB_DUCKLAKE_TESTS=ON &&
    build release
}

if stage "release: build" build_with_large_peers; then
  DELTALAKEDB_SOAK=1 stage "release: tests, full counts" tests release
fi
if stage "tsan: build" build tsan; then
  stage "tsan: tests" tests tsan
fi
mapfile -t targets < <(basename --suffix=.cc fuzz/fuzz_*.cc)
if stage "fuzz: build" build fuzz --target "${targets[@]}"; then
  for target in "${targets[@]}"; do stage "fuzz: $target" fuzz "$target"; done
fi
finish
