#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/ascii_case.h"
#include "deltalakedb/transaction.h"
#include "protocol/excerpt.h"

namespace deltalakedb {
namespace {

constexpr std::array kIsolationLevels = {
    IsolationLevel::kSerializable,
    IsolationLevel::kWriteSerializable,
    IsolationLevel::kSnapshotIsolation,
};

}  // namespace

std::string_view IsolationLevelName(IsolationLevel level) {
  switch (level) {
    case IsolationLevel::kSerializable:
      return "Serializable";
    case IsolationLevel::kWriteSerializable:
      return "WriteSerializable";
    case IsolationLevel::kSnapshotIsolation:
      return "SnapshotIsolation";
  }
  return "Serializable";
}

Result<IsolationLevel> ParseIsolationLevel(std::string_view name) {
  for (const IsolationLevel level : kIsolationLevels) {
    if (base::IsSameName(name, IsolationLevelName(level))) return level;
  }
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("there is no isolation level '{}'; there are Serializable, "
                                "WriteSerializable and SnapshotIsolation",
                                protocol::Excerpt(name)))
                  .With("isolationLevel", protocol::Excerpt(name)));
}

}  // namespace deltalakedb
