#include "txn/live_check.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "protocol/file_key.h"

namespace deltalakedb::txn {

namespace {

using protocol::FileKey;

// A path that the commit names.
struct NamedPath {
  std::string_view path;     // as it spells it
  bool has_removed = false;  // the file that is removed is live
  // Live in another spelling than the commit's.
  std::optional<std::string> other_spelling = std::nullopt;
  // Live with a vector that the commit does not remove.
  std::optional<FileKey> live = std::nullopt;
};

template <typename Action>
std::unexpected<Error> Refuse(const protocol::Staged<Action>& staged, std::string_view action,
                              std::string_view field, std::string_view reason) {
  Error error(ErrorCode::kInvalidArgument,
              fmt::format("{} of {}: {}", action, staged.action.path, reason));
  error.AddFact("action", std::string(action));
  error.AddFact("field", std::string(field));
  error.AddFact("path", std::string(staged.action.path));
  if (staged.line > 0) {
    error.AddFact("line", staged.line).AddContext(fmt::format("line {}", staged.line));
  }
  return Fail(std::move(error));
}

}  // namespace

Result<void> CheckLiveFiles(const protocol::StagedActions& staged, const Snapshot& snapshot,
                            const std::string& table_root) {
  protocol::FileKeyHasher hasher(table_root);
  tsl::robin_map<FileKey, NamedPath, protocol::FileKeyHash> paths;
  tsl::robin_set<FileKey, protocol::FileKeyHash> removed;  // with their vectors
  for (const auto& remove : staged.removes()) {
    paths.try_emplace(hasher.Hash(remove.action.path, std::nullopt), NamedPath{remove.action.path});
    removed.insert(hasher.Hash(remove.action.path, remove.action.deletion_vector));
  }
  for (const auto& add : staged.adds()) {
    paths.try_emplace(hasher.Hash(add.action.path, std::nullopt), NamedPath{add.action.path});
  }
  DELTALAKEDB_ASSIGN(const auto files,
                     snapshot.OpenFiles({.order = FileOrder::kNone, .with_stats = false}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) break;
    for (const AddFile& file : batch->files()) {
      const FileKey path = hasher.Hash(file.path, std::nullopt);
      const auto named = paths.find(path);
      if (named == paths.end()) continue;
      if (named->second.path != file.path) named.value().other_spelling = std::string(file.path);
      const FileKey key = hasher.Hash(file.path, file.deletion_vector);
      if (removed.contains(key)) {
        named.value().has_removed = true;
      } else {
        named.value().live = key;
      }
    }
  }
  const auto check_spelling = [&](const auto& staged_file, std::string_view action) {
    const auto& named = paths.find(hasher.Hash(staged_file.action.path, std::nullopt))->second;
    if (!named.other_spelling) return Result<void>();
    return Result<void>(
        Refuse(staged_file, action, "path",
               fmt::format("the file is live at version {} as {}, and engines compare paths letter "
                           "by letter: name it so",
                           snapshot.version().value(), *named.other_spelling)));
  };
  for (const auto& remove : staged.removes()) {
    DELTALAKEDB_TRY(check_spelling(remove, "remove"));
    const FileKey path = hasher.Hash(remove.action.path, std::nullopt);
    if (paths.find(path)->second.has_removed) continue;
    return Refuse(
        remove, "remove", "path",
        fmt::format("the file is not live at version {}, or not with this deletion vector",
                    snapshot.version().value()));
  }
  for (const auto& add : staged.adds()) {
    DELTALAKEDB_TRY(check_spelling(add, "add"));
    const FileKey path = hasher.Hash(add.action.path, std::nullopt);
    const auto& live = paths.find(path)->second.live;
    if (!live || *live == hasher.Hash(add.action.path, add.action.deletion_vector)) continue;
    return Refuse(add, "add", "deletionVector",
                  fmt::format("the file is live at version {} with another deletion vector, which "
                              "the commit has to remove",
                              snapshot.version().value()));
  }
  return {};
}

Result<void> CheckNoneStays(const protocol::StagedActions& staged, const Snapshot& snapshot,
                            const std::string& table_root, const protocol::Misfit& misfit) {
  protocol::FileKeyHasher hasher(table_root);
  tsl::robin_set<FileKey, protocol::FileKeyHash> removed;
  for (const auto& remove : staged.removes()) {
    removed.insert(hasher.Hash(remove.action.path, remove.action.deletion_vector));
  }
  DELTALAKEDB_ASSIGN(const auto files,
                     snapshot.OpenFiles({.order = FileOrder::kNone, .with_stats = false}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) return {};
    for (const AddFile& file : batch->files()) {
      if (removed.contains(hasher.Hash(file.path, file.deletion_vector))) continue;
      return Fail(
          Error(ErrorCode::kInvalidArgument,
                fmt::format("metaData: {}, and the file {} stays live, which was written before: "
                            "remove all files in the same commit",
                            misfit.what, file.path))
              .With("action", "metaData")
              .With("field", misfit.field)
              .With("path", std::string(file.path)));
    }
  }
}

}  // namespace deltalakedb::txn
