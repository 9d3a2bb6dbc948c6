// The identity of a logical file, by which adds and removes meet (PROTOCOL.md, Reconciliation).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"

namespace deltalakedb::protocol {

// A 128-bit hash of canonical path and deletion vector id. Equal keys are taken for equal files:
// among a billion files the odds of one collision are below 2^-68.
struct FileKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const FileKey&, const FileKey&) = default;
};

struct FileKeyHash {
  std::size_t operator()(const FileKey& key) const noexcept { return key.low; }
};

// Makes keys for the files of one table. The seed differs from process to process, so that nobody
// can write paths that collide on purpose; keys are therefore never stored.
// Thread-safety: a hasher belongs to one thread; copies of one make the same keys.
class FileKeyHasher {
 public:
  // `table_root` as AppendCanonicalPath takes it.
  explicit FileKeyHasher(std::string table_root);

  FileKey Hash(std::string_view path, const std::optional<DeletionVector>& deletion_vector);

 private:
  std::string table_root_;
  std::uint64_t seed_;
  std::string scratch_;
};

}  // namespace deltalakedb::protocol
