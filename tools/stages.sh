# shellcheck shell=bash
# For tools/check.sh and tools/soak.sh: runs named stages, keeps going after a failure, and ends
# with a summary and an honest exit status. Source it; it is no program. JOBS has to be set.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

work=$(mktemp -d)  # for the stages too
trap 'rm -rf "$work"' EXIT
summary=()
failed=0

stage() {  # TITLE COMMAND...
  local title=$1 started=$SECONDS result=ok log status
  shift
  log=$work/log
  printf '\n==== %s\n' "$title"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  if [[ $status -ne 0 ]]; then
    result=FAILED
    failed=$((failed + 1))
  fi
  summary+=("$(printf '%-7s%5d s  %s' "$result" $((SECONDS - started)) "$title")")
  # ctest's closing line, as it is.
  mapfile -t -O "${#summary[@]}" summary < <(grep -E '^[0-9]+% tests passed' "$log")
  return "$status"
}

finish() {
  printf '\n==== summary\n'
  printf '%s\n' "${summary[@]}"
  [[ $failed -eq 0 ]] || { echo "$failed of the stages failed"; exit 1; }
  exit 0
}

build() {  # PRESET BUILD-OPTION...
  cmake --preset "$1" && cmake --build --preset "$1" -j "$JOBS" "${@:2}"
}

tests() {  # PRESET CTEST-OPTION...
  # Two slots for each job: cmake/Testing.cmake says which tests take both.
  ctest --preset "$1" -j "$((2 * JOBS))" --no-tests=error "${@:2}"
}
