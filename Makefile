# Every verb of this repository; `make` alone lists them. PRESET chooses the build of `make build`
# and `make test`: dev, release, asan or tsan.
.DEFAULT_GOAL := help
PRESET ?= release
JOBS ?= $(shell nproc)
PYTHON := .venv/bin/python
CPP_FILES = $(shell find apps bench fuzz include src tests -name '*.h' -o -name '*.cc')

# For programs run outside ctest, which sets the same. Arrow's binaries are not instrumented, so
# ASan cannot follow containers that cross into them.
export ASAN_OPTIONS ?= detect_container_overflow=0:detect_leaks=1
export UBSAN_OPTIONS ?= print_stacktrace=1:halt_on_error=1
export JOBS

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup:  ## install what is missing: Debian packages, and pinned Python packages in .venv
	@tools/setup.sh

build: setup  ## configure and build (PRESET=release)
	cmake --preset $(PRESET)
	cmake --build --preset $(PRESET) -j $(JOBS)

test: build  ## build, then run its tests (PRESET=release)
	ctest --preset $(PRESET) -j $$((2 * $(JOBS))) --no-tests=error

check:  ## all that CI runs: format, tidy, release and ASan builds with their tests
	@tools/check.sh

fmt: setup  ## format the C++ files in place
	@.venv/bin/clang-format -i $(CPP_FILES)

check-fmt: setup  # part of check
	@.venv/bin/clang-format --dry-run -Werror --ferror-limit=1 $(CPP_FILES) || \
	  { echo 'not formatted: run `make fmt`'; exit 1; }

tidy: setup  ## the repository's own rules: rooms, words, lengths, links
	@$(PYTHON) tools/tidy.py

lint: build  ## clang-tidy over all C++ files, with the compile commands of PRESET
	@.venv/bin/run-clang-tidy.py -clang-tidy-binary .venv/bin/clang-tidy -quiet \
	  -p build/$(PRESET) -j $(JOBS) '$(CURDIR)/(apps|src)/.*\.cc$$'

bench: build  ## measure; see docs/benchmarks.md
	@$(PYTHON) bench/run.py
	@$(PYTHON) bench/run_catalog.py
	@tools/setup.sh --bench
	@$(PYTHON) bench/run_commits.py
	@$(PYTHON) bench/run_mirror.py
	@$(PYTHON) bench/run_rows.py

slo: build  ## pass or fail against the floors of speed, on PostgreSQL and SQLite
	@$(PYTHON) bench/slo.py

docs: setup  ## check the Markdown pages and the links between them
	@$(PYTHON) tools/tidy.py links docs

quickstart: setup  ## build the program, make a real Delta table and look at it
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target deltalakedb_cli
	@tools/quickstart.sh

soak:  ## the long versions of everything: TSan, a million runs of each fuzz target, full counts
	@tools/soak.sh

check-fresh:  ## prove quickstart and check on a bare Debian 12 (needs root and debootstrap)
	@tools/fresh_debian.sh

clean:  ## remove what was built; .venv stays
	rm -rf build

.PHONY: help setup build test check fmt check-fmt tidy lint bench slo docs quickstart soak check-fresh clean
