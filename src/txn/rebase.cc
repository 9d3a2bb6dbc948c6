#include "txn/rebase.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"
#include "protocol/paths.h"
#include "protocol/table_rules.h"

namespace deltalakedb::txn {

namespace {

constexpr std::string_view kHighWaterMarkField = "rowIdHighWaterMark";
// The configuration of a domain that holds one number. Unit: bytes.
constexpr std::size_t kRowTrackingBytesMax = 1'000'000;
constexpr std::size_t kStatsBytesMax = protocol::kStagedLineBytesMax;

// Below any row id.
constexpr std::int64_t kNoRowIds = -1;

using protocol::Excerpt;
using protocol::JsonDocument;
using protocol::JsonValue;

std::optional<JsonValue> FindMember(JsonValue object, std::string_view name) {
  std::optional<JsonValue> found;
  if (!object.is_object()) return found;
  object.ForEachMember([&](std::string_view member, JsonValue value) {
    if (member == name) found = value;
    return true;
  });
  return found;
}

// Finds the ids that a backfill gave to files.
class BackfillFinder {
 public:
  BackfillFinder(const BackfilledRowIds* ids, std::string_view table_root)
      : ids_(ids), table_root_(table_root) {}

  // Null for a file that got none.
  const RowIds* Find(std::string_view path) {
    if (ids_ == nullptr || ids_->empty()) return nullptr;
    scratch_.clear();
    protocol::AppendCanonicalPath(path, table_root_, scratch_);
    const auto found = ids_->find(scratch_);
    return found == ids_->end() ? nullptr : &found->second;
  }

 private:
  const BackfilledRowIds* ids_;
  std::string_view table_root_;
  std::string scratch_;
};

}  // namespace

Result<std::int64_t> ParseRowIdHighWaterMark(std::string_view configuration) {
  const auto broken = [](std::string_view why) {
    return Fail(Error(ErrorCode::kCorrupt,
                      fmt::format("the configuration of the domain {} is not understood: {}",
                                  kRowTrackingDomain, why))
                    .With("domain", std::string(kRowTrackingDomain)));
  };
  auto document = JsonDocument::ParseObject(configuration, kRowTrackingBytesMax);
  if (!document) return broken(document.error().message());
  const auto field = FindMember(document->root(), kHighWaterMarkField);
  const auto value = field ? field->AsInt64() : std::nullopt;
  if (!value || *value < kNoRowIds) {
    return broken(fmt::format("it has no number {}", kHighWaterMarkField));
  }
  return *value;
}

std::string RowTrackingConfiguration(std::int64_t high_water_mark) {
  return fmt::format(R"({{"{}":{}}})", kHighWaterMarkField, high_water_mark);
}

Result<std::int64_t> NumRecords(const AddFile& add) {
  const auto missing = [&](std::string_view why) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("the table tracks rows, so the add of {} needs numRecords in its "
                                  "stats: {}",
                                  Excerpt(add.path), why))
                    .With("action", "add")
                    .With("field", "stats")
                    .With("path", std::string(add.path)));
  };
  if (!add.stats) return missing("it has no stats");
  auto stats = JsonDocument::ParseObject(*add.stats, kStatsBytesMax);
  if (!stats) return missing(stats.error().message());
  const auto field = FindMember(stats->root(), "numRecords");
  const auto count = field ? field->AsInt64() : std::nullopt;
  if (!count || *count < 0) return missing("there is no such number");
  return *count;
}

Result<void> AssignRowIds(protocol::StagedActions& staged, const RowIdOptions& options,
                          std::string_view table_root) {
  // Found out first, so that an error leaves the actions as they were.
  std::vector<RowIds> assigned;
  assigned.reserve(staged.adds().size());
  std::int64_t high_water_mark = options.high_water_mark;
  bool has_fresh = false;
  BackfillFinder backfill(options.backfilled, table_root);
  for (const auto& [add, extras, line] : staged.adds()) {
    RowIds& ids = assigned.emplace_back(add.base_row_id, add.default_row_commit_version);
    if (const RowIds* const taken = backfill.Find(add.path)) {
      ids = *taken;
      continue;
    }
    const bool is_of_other_attempt =
        !ids.default_row_commit_version || !options.read_version ||
        *ids.default_row_commit_version > options.read_version->value();
    if (ids.base_row_id && *ids.base_row_id <= options.read_high_water_mark) {
      if (is_of_other_attempt) ids.default_row_commit_version = options.version.value();
      continue;
    }
    DELTALAKEDB_ASSIGN(const std::int64_t rows, NumRecords(add));
    if (high_water_mark >= 0 &&
        rows > std::numeric_limits<std::int64_t>::max() - 1 - high_water_mark) {
      return Fail(Error(ErrorCode::kLimitExceeded, "the table has no row ids left")
                      .With("limit", "row ids"));
    }
    ids.base_row_id = high_water_mark + 1;
    ids.default_row_commit_version = options.version.value();
    high_water_mark += rows;
    has_fresh = true;
  }
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    AddFile& add = staged.mutable_adds()[i].action;
    add.base_row_id = assigned[i].base_row_id;
    add.default_row_commit_version = assigned[i].default_row_commit_version;
  }
  for (auto& [remove, extras, line] : staged.mutable_removes()) {
    if (const RowIds* const taken = backfill.Find(remove.path)) {
      remove.base_row_id = taken->base_row_id;
      remove.default_row_commit_version = taken->default_row_commit_version;
    }
  }
  std::optional<DomainMetadata> domain;
  if (has_fresh) {
    domain = DomainMetadata{std::string(kRowTrackingDomain),
                            RowTrackingConfiguration(high_water_mark), /*removed=*/false};
  }
  staged.SetOwnDomain(std::move(domain));
  return {};
}

Timestamp NextInCommitTimestamp(Timestamp now, Timestamp previous) {
  return Timestamp(std::max(now.ms(), previous.ms() + 1));
}

bool EnablesInCommitTimestamps(const Metadata* before, const Metadata& after) {
  return protocol::IsTrue(after, protocol::kEnableInCommitTimestamps) &&
         (before == nullptr || !protocol::IsTrue(*before, protocol::kEnableInCommitTimestamps));
}

void NoteInCommitTimestampEnablement(Metadata& metadata, Version version, Timestamp timestamp) {
  // Absent stands for "from version 0 on" (PROTOCOL.md, In-commit timestamps).
  if (version == Version(0)) return;
  metadata.configuration.insert_or_assign(
      std::string(protocol::kInCommitTimestampEnablementVersion), std::to_string(version.value()));
  metadata.configuration.insert_or_assign(
      std::string(protocol::kInCommitTimestampEnablementTimestamp), std::to_string(timestamp.ms()));
}

}  // namespace deltalakedb::txn
