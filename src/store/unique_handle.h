// One owner for every C handle of the database clients: closes it by the function named in its
// type.
#pragma once

#include <memory>

namespace deltalakedb::store {

template <auto kClose>
struct HandleCloser {
  template <typename T>
  void operator()(T* handle) const noexcept {
    kClose(handle);
  }
};

// UniqueHandle<sqlite3_stmt, sqlite3_finalize>
template <typename T, auto kClose>
using UniqueHandle = std::unique_ptr<T, HandleCloser<kClose>>;

}  // namespace deltalakedb::store
