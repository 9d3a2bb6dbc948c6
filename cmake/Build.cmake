# How every target is compiled.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
# Nobody waits for test code to run, but for it to compile: it comes last on the command line.
set(DELTALAKEDB_TEST_OPTIMIZATION -O1)

set(DELTALAKEDB_SANITIZE "" CACHE STRING "Sanitizers for the whole build, as -fsanitize takes them")
option(DELTALAKEDB_LIBFUZZER "Build the fuzz targets with libFuzzer (needs clang)" OFF)
set(DELTALAKEDB_PYTHON ${CMAKE_SOURCE_DIR}/.venv/bin/python CACHE FILEPATH
    "The Python that has pyarrow and the test packages")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# simdjson picks its instructions for parsing while it compiles, and is several times slower without
# these, which every x86-64 processor since 2010 has.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
  add_compile_options(-march=x86-64-v2 -mpclmul)
endif()

# Our own targets link this; libraries of others are not held to our warnings.
add_library(deltalakedb_flags INTERFACE)
target_compile_options(deltalakedb_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
if(DELTALAKEDB_SANITIZE)
  set(DELTALAKEDB_TEST_OPTIMIZATION -O0)
  add_compile_options(-fsanitize=${DELTALAKEDB_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DELTALAKEDB_SANITIZE})
  if(DELTALAKEDB_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  # g++ loses sight of what is initialized behind the sanitizers' calls.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(deltalakedb_flags INTERFACE -Wno-maybe-uninitialized)
    # A third of the time that g++ takes for a file. A null pointer and a stray one end in
    # AddressSanitizer's report all the same; alignment is looked at by the fuzz preset's clang.
    if(DELTALAKEDB_SANITIZE MATCHES undefined)
      add_compile_options(-fno-sanitize=null,alignment,object-size)
    endif()
  endif()
endif()
if(DELTALAKEDB_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
