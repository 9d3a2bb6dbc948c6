# Libraries from Debian's packages, as imported targets.
find_package(fmt 9 REQUIRED)
find_package(CLI11 2 REQUIRED)
find_package(RapidJSON REQUIRED)
find_package(nlohmann_json 3 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq>=14)
# Only the build that stands on GnuTLS: docs/adr/0010-conditional-put-by-libcurl.md.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.86)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)  # GnuTLS stands on it
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.38)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# Header-only, without a CMake config of its own.
find_path(ROBIN_MAP_INCLUDE tsl/robin_map.h REQUIRED)

# simdjson, compiled here under a namespace of our own: docs/adr/0002-simdjson-of-our-own.md.
set(DELTALAKEDB_SIMDJSON ${CMAKE_SOURCE_DIR}/.deps/simdjson CACHE PATH "simdjson.h and simdjson.cpp")
if(NOT EXISTS ${DELTALAKEDB_SIMDJSON}/simdjson.cpp)
  message(FATAL_ERROR "no simdjson in ${DELTALAKEDB_SIMDJSON}: run `make setup`")
endif()
add_library(simdjson STATIC ${DELTALAKEDB_SIMDJSON}/simdjson.cpp)
target_include_directories(simdjson SYSTEM PUBLIC ${DELTALAKEDB_SIMDJSON})
target_compile_definitions(simdjson PUBLIC simdjson=deltalakedb_simdjson)
target_link_libraries(simdjson PUBLIC Threads::Threads)
