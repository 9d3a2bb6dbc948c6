# Tests are registered here and nowhere else; labels as in STYLE: unit, contract, conformance, interop, fuzz.
set(DELTALAKEDB_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:halt_on_error=1"
  "DELTALAKEDB_BUILD_DIR=${CMAKE_BINARY_DIR}")
# Sanitizers make everything several times slower. Suites that do the same to every table or on every
# database take a sample then: CONTRIBUTING.md, Tests.
if(DELTALAKEDB_SANITIZE)
  list(APPEND DELTALAKEDB_TEST_ENVIRONMENT "DELTALAKEDB_SAMPLE=1")
endif()

# Which tests start first, so that no long one is left alone at the end: seconds under sanitizers,
# roughly. ctest knows by itself only what it has measured before in the same build folder.
set(DELTALAKEDB_TEST_COSTS
  catalog_cli_test 160  kill_test 120  create_cli_test 110  s3_bad_input_test 95
  sql_conformance_test 90  s3_conformance_test 90  catalog_bad_input_test 80  commit_s3_test 70
  postgres_bad_input_test 70  other_stores_test 65  export_conformance_test 60
  many_writers_test 60  rows_cli_test 60  rows_interop_test 60  rows_kill_test 60
  scan_conformance_test 30  table_model_test 30  bad_input_test 55  set_properties_cli_test 45  commit_cli_test 45
  s3_test 40  export_s3_test 40  cli_conformance_test 40  cli_catalog_conformance_test 35
  lost_answer_test 35  restart_test 30  store_contract_test 30  log_test 30  delta_rs_test 30
  commit_test 25  commit_unit_test 25  drop_cli_test 25  export_test 25  storage_test 20
  tamper_test 20  time_travel_test 20  bench_test 17  bench_commits_test 18  cli_test 15)
# Tests that mostly wait, for servers, time limits or disks. `ctest -j` is given two slots for each
# processor (tools/stages.sh): of these tests two share one, the others take both slots.
set(DELTALAKEDB_TESTS_THAT_WAIT
  s3_bad_input_test postgres_bad_input_test lost_answer_test restart_test many_writers_test
  commit_s3_test s3_test export_s3_test s3_conformance_test other_stores_test commit_unit_test
  commit_test kill_test catalog_bad_input_test)

function(deltalakedb_schedule name)
  list(FIND DELTALAKEDB_TEST_COSTS ${name} index)
  if(NOT index EQUAL -1)
    math(EXPR index "${index} + 1")
    list(GET DELTALAKEDB_TEST_COSTS ${index} cost)
    set_tests_properties(${name} PROPERTIES COST ${cost})
  endif()
  if(NOT name IN_LIST DELTALAKEDB_TESTS_THAT_WAIT)
    set_tests_properties(${name} PROPERTIES PROCESSORS 2)
  endif()
endfunction()

# deltalakedb_test(NAME LABEL SOURCES... LINK targets...): a GoogleTest program.
function(deltalakedb_test name label)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${DELTALAKEDB_TEST_OPTIMIZATION})
  target_link_libraries(${name} PRIVATE deltalakedb_flags ${ARG_LINK} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES
    LABELS ${label} ENVIRONMENT "${DELTALAKEDB_TEST_ENVIRONMENT}" TIMEOUT 900)
  deltalakedb_schedule(${name})
endfunction()

# deltalakedb_python_test(NAME LABEL FILE): a pytest file that drives the built program.
function(deltalakedb_python_test name label file)
  add_test(NAME ${name}
    COMMAND ${DELTALAKEDB_PYTHON} -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${name} PROPERTIES
    LABELS ${label} TIMEOUT 1800
    ENVIRONMENT "${DELTALAKEDB_TEST_ENVIRONMENT};DELTALAKEDB_PROGRAM=$<TARGET_FILE:deltalakedb_cli>;PYTHONDONTWRITEBYTECODE=1")
  deltalakedb_schedule(${name})
endfunction()
