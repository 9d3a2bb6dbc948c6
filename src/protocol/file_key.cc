#include "protocol/file_key.h"

#include <xxhash.h>

#include <random>

#include "protocol/paths.h"

namespace deltalakedb::protocol {

namespace {

std::uint64_t ProcessSeed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }();
  return seed;
}

}  // namespace

FileKeyHasher::FileKeyHasher(std::string table_root)
    : table_root_(std::move(table_root)), seed_(ProcessSeed()) {}

FileKey FileKeyHasher::Hash(std::string_view path,
                            const std::optional<DeletionVector>& deletion_vector) {
  scratch_.clear();
  AppendCanonicalPath(path, table_root_, scratch_);
  // A decoded path may hold any byte, so its length says where the deletion vector's id begins.
  const std::uint64_t path_size = scratch_.size();
  if (deletion_vector) scratch_.append(deletion_vector->UniqueId());
  scratch_.append(reinterpret_cast<const char*>(&path_size), sizeof(path_size));
  const XXH128_hash_t hash = XXH3_128bits_withSeed(scratch_.data(), scratch_.size(), seed_);
  return {hash.high64, hash.low64};
}

}  // namespace deltalakedb::protocol
