#!/usr/bin/env bash
# `make soak`: what takes too long for every change. FUZZ_RUNS is the number of inputs each fuzz
# target gets.
JOBS=${JOBS:-$(nproc)}
FUZZ_RUNS=${FUZZ_RUNS:-1000000}
source "$(dirname "$0")/stages.sh"

# Runs one target on a copy of its corpus, so that what it finds on the way stays out of git. An
# input that fails it is kept in build/fuzz.
fuzz() {  # TARGET
  local name=${1#fuzz_} corpus=$work/corpus log=$work/fuzz runs
  rm -rf "$corpus" && mkdir "$corpus"
  if [[ -d fuzz/corpus/$name ]]; then cp -r "fuzz/corpus/$name/." "$corpus"; fi
  if ! "build/fuzz/bin/$1" -runs="$FUZZ_RUNS" -max_len=65536 -timeout=30 -rss_limit_mb=4096 \
      -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" "$corpus" >"$log" 2>&1; then
    tail -n 60 "$log"
    return 1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$1: ${runs:-0} runs"
  [[ ${runs:-0} -ge $FUZZ_RUNS ]]
}

stage "set-up" tools/setup.sh --soak || finish
if stage "release: build" build release; then
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
