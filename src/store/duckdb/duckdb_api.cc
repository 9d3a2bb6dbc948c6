#include "store/duckdb/duckdb_api.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string>

namespace deltalakedb::store {

namespace {

struct Loaded {
  DuckDbApi api = {};
  std::string problem;  // empty when all functions are there
};

template <typename Function>
void Find(void* library, const char* name, Function& function, std::string& problem) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr && problem.empty()) problem = fmt::format("it has no {}", name);
}

void* OpenLibrary(std::string& problem) {
  // The library that the program was built with, else whichever the system finds. Names are bound
  // as they are used: binding all of them at once takes several milliseconds.
  for (const char* const name : {DELTALAKEDB_DUCKDB_LIBRARY, "libduckdb.so"}) {
    if (void* const library = ::dlopen(name, RTLD_LAZY | RTLD_LOCAL)) return library;
    if (const char* const reason = ::dlerror(); reason != nullptr && problem.empty()) {
      problem = reason;
    }
  }
  return nullptr;
}

Loaded Load() {
  Loaded loaded;
  std::string problem;
  void* const library = OpenLibrary(problem);
  if (library == nullptr) {
    loaded.problem = problem;
    return loaded;
  }
  DuckDbApi& api = loaded.api;
  const auto find = [&](const char* name, auto& function) {
    Find(library, name, function, loaded.problem);
  };
#define DELTALAKEDB_FIND(name) find("duckdb_" #name, api.name);
  DELTALAKEDB_DUCKDB_FUNCTIONS(DELTALAKEDB_FIND)
#undef DELTALAKEDB_FIND
  return loaded;
}

const Loaded& LoadedOnce() {
  static const Loaded loaded = Load();
  return loaded;
}

}  // namespace

Result<void> LoadDuckDb() {
  const Loaded& loaded = LoadedOnce();
  if (loaded.problem.empty()) return {};
  return Fail(ErrorCode::kUnsupported,
              fmt::format("the DuckDB library, version 1.5 or later, cannot be used: {}; install "
                          "libduckdb.so where the system looks for libraries",
                          loaded.problem));
}

const DuckDbApi& DuckDb() { return LoadedOnce().api; }

}  // namespace deltalakedb::store
