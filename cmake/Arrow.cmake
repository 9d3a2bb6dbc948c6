# Arrow C++ 26: a system one when there is one, else the one inside the pyarrow wheel, which has no
# CMake config: its headers and versioned libraries become imported targets.
find_package(Arrow 26 QUIET CONFIG)
find_package(Parquet 26 QUIET CONFIG)
if(Arrow_FOUND AND Parquet_FOUND)
  add_library(Arrow::arrow ALIAS Arrow::arrow_shared)
  add_library(Arrow::parquet ALIAS Parquet::parquet_shared)
  # S3 and compute are in Arrow itself, or in libraries beside it.
  get_target_property(arrow_library Arrow::arrow_shared LOCATION)
  get_filename_component(arrow_libs ${arrow_library} DIRECTORY)
  foreach(name s3 compute)
    find_library(DELTALAKEDB_ARROW_${name} arrow_${name} HINTS ${arrow_libs})
    add_library(Arrow::${name} INTERFACE IMPORTED)
    target_link_libraries(Arrow::${name} INTERFACE
      $<$<BOOL:${DELTALAKEDB_ARROW_${name}}>:${DELTALAKEDB_ARROW_${name}}> Arrow::arrow)
  endforeach()
  return()
endif()

execute_process(
  COMMAND ${DELTALAKEDB_PYTHON} -c
          "import pyarrow; print(pyarrow.__version__, pyarrow.get_include(), pyarrow.get_library_dirs()[0], sep=';')"
  OUTPUT_VARIABLE pyarrow OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "no Arrow 26 in the system and no pyarrow in ${DELTALAKEDB_PYTHON}: run `make setup`")
endif()
list(GET pyarrow 0 pyarrow_version)
list(GET pyarrow 1 pyarrow_include)
list(GET pyarrow 2 pyarrow_libs)
if(NOT pyarrow_version MATCHES "^26\\.")
  message(FATAL_ERROR "pyarrow ${pyarrow_version} found, 26.x needed: run `make setup`")
endif()

foreach(name arrow parquet s3 compute)
  string(REGEX REPLACE "^(s3|compute)$" "arrow_\\1" file ${name})
  add_library(Arrow::${name} SHARED IMPORTED)
  set_target_properties(Arrow::${name} PROPERTIES
    IMPORTED_LOCATION ${pyarrow_libs}/lib${file}.so.2600
    INTERFACE_INCLUDE_DIRECTORIES ${pyarrow_include}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${pyarrow_include})
endforeach()
set_target_properties(Arrow::parquet Arrow::s3 Arrow::compute PROPERTIES INTERFACE_LINK_LIBRARIES Arrow::arrow)
message(STATUS "Arrow ${pyarrow_version} from pyarrow")
