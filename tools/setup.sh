#!/usr/bin/env bash
# Makes this machine able to build and test deltalakedb: Debian packages, then pinned Python
# packages in .venv. Run it as often as you like: what is there already is left alone.
#
#   tools/setup.sh          what `make check` and `make quickstart` need
#   tools/setup.sh --soak   also clang 19, for the fuzz targets of `make soak`, Spark and the Java
#                           kernel, and DuckLake
#   tools/setup.sh --bench  also DuckLake, which `make bench` measures beside
#
# Assumed: Debian 12 (or a relative that has these packages), git and make. As root it installs what
# is missing; as anyone else it prints the command to run.
#
# Everything comes from Debian, PyPI and npm's registry through apt, pip and npm, which check what
# they fetch; archives that are unpacked by hand are named here with their SHA-256.
set -euo pipefail
cd "$(dirname "$0")/.."

# command:package, installed only where the command is not found: a tool of the user's own will do.
tools=(g++:g++ cmake:cmake ninja:ninja-build ccache:ccache git:git pkg-config:pkg-config
       openssl:openssl pgrep:procps python3:python3 zstd:zstd)
libraries=(ca-certificates libbenchmark-dev libcli11-dev libcurl4-gnutls-dev libfmt-dev
           libgmock-dev libgtest-dev libpq-dev libsqlite3-dev libssl-dev libxxhash-dev
           libzstd-dev nettle-dev nlohmann-json3-dev rapidjson-dev robin-map-dev)
if [[ ${1:-} == --soak ]]; then
  tools+=(clang++-19:clang-19 javac:default-jdk-headless mvn:maven)
  libraries+=(libclang-rt-19-dev)
elif [[ $# -gt 0 && $1 != --bench ]]; then
  echo "usage: tools/setup.sh [--soak|--bench]" >&2
  exit 2
fi

# DuckDB's C library and its header come from the system when it has both.
duckdb=duckdb-1.5.5
has_duckdb() {
  [[ -f .deps/duckdb/$duckdb.ok ]] ||
    echo 'int main() { return duckdb_library_version() == nullptr; }' |
    g++ -include duckdb.h -x c++ - -lduckdb -o /dev/null 2>/dev/null
}
# An npm of the user's own will do, as Debian's needs Debian's Node.js.
has_duckdb || tools+=(npm:npm)

# Tests start servers of their own, for which any PostgreSQL's programs will do, and a pooler.
[[ -n $(compgen -G '/usr/lib/postgresql/*/bin/initdb') ]] || tools+=(initdb:postgresql-15)
[[ -x /usr/sbin/pgbouncer ]] || tools+=(pgbouncer:pgbouncer)

missing_packages() {
  local tool package installed
  for tool in "${tools[@]}"; do
    command -v "${tool%%:*}" >/dev/null || echo "${tool#*:}"
  done
  # Debian ships Python without the parts that make a virtual environment.
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  if ! command -v dpkg-query >/dev/null; then
    printf '%s\n' "${libraries[@]}"
    return
  fi
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${libraries[@]}" 2>/dev/null ||
    true)
  for package in "${libraries[@]}"; do
    grep -qx "installed $package" <<<"$installed" || echo "$package"
  done
}

install_packages() {
  local install="apt-get install -y --no-install-recommends $*"
  if ! command -v apt-get >/dev/null; then
    echo "setup: this system has no apt-get. Install what these Debian packages hold: $*" >&2
    exit 1
  fi
  if [[ $(id -u) -ne 0 ]]; then
    echo "setup: packages are missing. Run this, then try again:" >&2
    echo "  sudo apt-get update && sudo $install" >&2
    exit 1
  fi
  echo "setup: installing $*"
  export DEBIAN_FRONTEND=noninteractive
  # No server of the system's own comes along with the programs.
  if [[ " $* " == *" postgresql-15 "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  apt-get update -qq
  $install -qq >/dev/null
}

# The stamp holds the checksum of the requirements that .venv was filled from.
fill_venv() {
  local stamp=.venv/requirements.sha256 wanted
  wanted=$(cat requirements/*.txt | sha256sum)
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && .venv/bin/python -c '' 2>/dev/null && return
  echo "setup: filling .venv from requirements/"
  .venv/bin/python -c 'import pip' 2>/dev/null || python3 -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 \
    -c requirements/constraints.txt \
    -r requirements/build.txt -r requirements/test.txt -r requirements/lint.txt
  echo "$wanted" >"$stamp"
}

# simdjson in source, out of the Python package that carries it: docs/adr/0002 says why.
simdjson=pysimdjson-7.0.2
simdjson_sha256=44cf276e48912a3b9c7ca362c14da8420a7ac15a9f1a16ec95becff86db3904a
fetch_simdjson() {
  local folder=.deps/simdjson
  [[ -f $folder/$simdjson.ok ]] && return
  echo "setup: fetching $simdjson"
  rm -rf "$folder" && mkdir -p "$folder"
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary "${simdjson%-*}" --dest "$folder" "${simdjson/-/==}"
  echo "$simdjson_sha256  $folder/$simdjson.tar.gz" | sha256sum --check --quiet
  tar -xzf "$folder/$simdjson.tar.gz" -C "$folder" --strip-components=2 \
    "$simdjson"/simdjson/simdjson.{h,cpp}
  touch "$folder/$simdjson.ok"
}

# The library is prebuilt for Node.js and in Debian not at all; the header is in the source archive
# of the Python package: docs/adr/0009 says why.
duckdb_library=duckdb-node-bindings-linux-x64-1.5.5-r.5
duckdb_library_sha256=86d2bda909785550e8a14a57a8a4584827aff0e268d8f1a58c3fd48559f7020e
duckdb_sha256=72f33ee57ca7595b23957671a2cc7f7fe2be0ecc2d68f63abedcfcaa3a5c1238
fetch_duckdb() {
  local folder=.deps/duckdb
  if has_duckdb; then return; fi
  if [[ $(uname -m) != x86_64 ]]; then
    echo "setup: install DuckDB's C library and its header for $(uname -m), then try again" >&2
    exit 1
  fi
  echo "setup: fetching $duckdb"
  rm -rf "$folder" && mkdir -p "$folder"
  npm pack --silent --pack-destination "$folder" \
    @duckdb/node-bindings-linux-x64@1.5.5-r.5 >/dev/null
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary "${duckdb%-*}" --dest "$folder" "${duckdb/-/==}"
  sha256sum --check --quiet <<EOF
$duckdb_library_sha256  $folder/$duckdb_library.tgz
$duckdb_sha256  $folder/$duckdb.tar.gz
EOF
  tar -xzf "$folder/$duckdb_library.tgz" -C "$folder" --strip-components=1 package/libduckdb.so
  tar -xzf "$folder/$duckdb.tar.gz" -C "$folder" --strip-components=5 \
    "$duckdb"/external/duckdb/src/include/duckdb.h
  rm "$folder/$duckdb_library.tgz" "$folder/$duckdb.tar.gz"
  touch "$folder/$duckdb.ok"
}

# Spark in a virtual environment of its own, with Delta's jars, for tests that ask it. With them
# come the Java kernel and Hadoop's client, by which tests/KernelRows.java reads tables.
fetch_spark() {
  local folder=.deps/spark wanted
  wanted=$(cat requirements/spark/* | sha256sum)
  [[ -f $folder/fetched && $(<"$folder/fetched") == "$wanted" ]] && return
  echo "setup: fetching Spark"
  rm -rf "$folder" && mkdir -p "$folder"
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r requirements/spark/requirements.txt
  mvn --quiet --batch-mode --file requirements/spark/pom.xml dependency:copy-dependencies \
    -DoutputDirectory="$PWD/$folder/jars"
  echo "$wanted" >"$folder/fetched"
}

# DuckDB's Python package and its extensions, of one version, in a virtual environment of their own.
fetch_ducklake() {
  local folder=.deps/ducklake wanted
  wanted=$(cat requirements/ducklake/* | sha256sum)
  [[ -f $folder/fetched && $(<"$folder/fetched") == "$wanted" ]] && return
  echo "setup: fetching DuckLake"
  rm -rf "$folder" && mkdir -p "$folder"
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r requirements/ducklake/requirements.txt
  echo "$wanted" >"$folder/fetched"
}

mapfile -t missing < <(missing_packages)
[[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
fill_venv
fetch_simdjson
fetch_duckdb
[[ ${1:-} != --soak ]] || fetch_spark
[[ -z ${1:-} ]] || fetch_ducklake
echo "setup: ready"
