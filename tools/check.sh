#!/usr/bin/env bash
# `make check`, which is what CI runs.
JOBS=${JOBS:-$(nproc)}
source "$(dirname "$0")/stages.sh"

quick='^(unit|fuzz)$'

stage "set-up" tools/setup.sh || finish
stage "format" make --no-print-directory check-fmt
stage "tidy" .venv/bin/python tools/tidy.py
stage "tests of the tools" .venv/bin/python -m pytest -q -p no:cacheprovider tools
for preset in release asan; do
  stage "$preset: build" build "$preset" || continue
  if [[ $preset == release ]]; then stage "clang-tidy" make --no-print-directory lint; fi
  stage "$preset: quick tests" tests "$preset" --label-regex "$quick"
  stage "$preset: all other tests" tests "$preset" --label-exclude "$quick"
done
finish
