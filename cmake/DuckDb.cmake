# DuckDB's C library: a system one when there is one, else the one that `make setup` fetches. Only
# its header is compiled against; the program loads the library when it opens a DuckDB database
# (docs/adr/0009-duckdb-as-a-store.md).
find_path(DELTALAKEDB_DUCKDB_INCLUDE duckdb.h NO_CACHE HINTS ENV DUCKDB_ROOT PATH_SUFFIXES include)
find_library(DELTALAKEDB_DUCKDB_FOUND duckdb NO_CACHE HINTS ENV DUCKDB_ROOT PATH_SUFFIXES lib)
if(NOT DELTALAKEDB_DUCKDB_INCLUDE OR NOT DELTALAKEDB_DUCKDB_FOUND)
  set(DELTALAKEDB_DUCKDB ${CMAKE_SOURCE_DIR}/.deps/duckdb CACHE PATH "duckdb.h and libduckdb.so")
  set(DELTALAKEDB_DUCKDB_INCLUDE ${DELTALAKEDB_DUCKDB})
  set(DELTALAKEDB_DUCKDB_FOUND ${DELTALAKEDB_DUCKDB}/libduckdb.so)
endif()
foreach(file ${DELTALAKEDB_DUCKDB_INCLUDE}/duckdb.h ${DELTALAKEDB_DUCKDB_FOUND})
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "no DuckDB in the system, and no ${file}: run `make setup`")
  endif()
endforeach()
add_library(DuckDB::headers INTERFACE IMPORTED)
target_include_directories(DuckDB::headers SYSTEM INTERFACE ${DELTALAKEDB_DUCKDB_INCLUDE})
target_compile_definitions(DuckDB::headers INTERFACE
  DELTALAKEDB_DUCKDB_LIBRARY="${DELTALAKEDB_DUCKDB_FOUND}")
target_link_libraries(DuckDB::headers INTERFACE ${CMAKE_DL_LIBS})

# For a program that is about DuckDB alone.
add_library(DuckDB::duckdb SHARED IMPORTED)
set_target_properties(DuckDB::duckdb PROPERTIES
  IMPORTED_LOCATION ${DELTALAKEDB_DUCKDB_FOUND}
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${DELTALAKEDB_DUCKDB_INCLUDE}
  INTERFACE_INCLUDE_DIRECTORIES ${DELTALAKEDB_DUCKDB_INCLUDE})
