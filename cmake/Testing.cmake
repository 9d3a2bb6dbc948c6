# Tests are registered here and nowhere else; labels as in STYLE: unit, contract, conformance, interop, fuzz.
set(DELTALAKEDB_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:halt_on_error=1"
  "DELTALAKEDB_BUILD_DIR=${CMAKE_BINARY_DIR}")

# deltalakedb_test(NAME LABEL SOURCES... LINK targets...): a GoogleTest program.
function(deltalakedb_test name label)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE deltalakedb_flags ${ARG_LINK} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES
    LABELS ${label} ENVIRONMENT "${DELTALAKEDB_TEST_ENVIRONMENT}" TIMEOUT 900)
endfunction()

# deltalakedb_python_test(NAME LABEL FILE): a pytest file that drives the built program.
function(deltalakedb_python_test name label file)
  add_test(NAME ${name}
    COMMAND ${DELTALAKEDB_PYTHON} -m pytest -q -p no:cacheprovider ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${name} PROPERTIES
    LABELS ${label} TIMEOUT 1800
    ENVIRONMENT "${DELTALAKEDB_TEST_ENVIRONMENT};DELTALAKEDB_PROGRAM=$<TARGET_FILE:deltalakedb_cli>;PYTHONDONTWRITEBYTECODE=1")
endfunction()
