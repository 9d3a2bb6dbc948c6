#include "protocol/action_shape.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/try.h"
#include "deltalakedb/schema.h"
#include "protocol/complaint_internal.h"
#include "protocol/deletion_vector.h"
#include "protocol/excerpt.h"
#include "protocol/features.h"
#include "protocol/file_key.h"
#include "protocol/json_document.h"
#include "protocol/json_text.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::string_view kSystemDomainPrefix = "delta.";

// Statistics of one file. Unit: bytes.
constexpr std::size_t kStatsBytesMax = kStagedLineBytesMax;

Result<void> CheckPath(const Complaint& complaint, std::string_view path) {
  if (path.empty()) return complaint.Of("path", "its path is empty");
  // No file system has such a name, and PostgreSQL no such text.
  if (path.contains('\0')) return complaint.Of("path", "its path has the character U+0000");
  return {};
}

Result<void> CheckVector(const Complaint& complaint, const std::optional<DeletionVector>& vector) {
  if (!vector) return {};
  auto place = ResolveDeletionVector(*vector);
  if (!place) return complaint.Of("deletionVector", std::move(place).error());
  return {};
}

// What nearly all statistics say; false where only JsonDocument can tell whether they are right.
bool FindNumRecords(std::string_view stats, bool& has_num_records) {
  if (stats.size() > kStatsBytesMax) return false;
  const auto glance = GlanceAtObject(stats, "numRecords", kJsonDepthMax);
  if (!glance) return false;
  has_num_records = glance->member && *glance->member != "null";
  if (!has_num_records) return true;
  const std::string_view count = *glance->member;
  std::int64_t rows = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), rows);
  return error == std::errc() && end == count.data() + count.size() && rows >= 0;
}

// Readers take statistics apart, so what is no object would make the file unreadable for some.
// Whoever reads a file with deletion vector needs its number of rows (PROTOCOL.md, Statistics).
Result<void> CheckStats(const Complaint& complaint, const AddFile& add) {
  bool has_num_records = false;
  if (add.stats && !FindNumRecords(*add.stats, has_num_records)) {
    has_num_records = false;
    auto stats = JsonDocument::ParseObject(*add.stats, kStatsBytesMax);
    if (!stats) return complaint.Of("stats", std::move(stats).error());
    bool is_count = true;
    stats->root().ForEachMember([&](std::string_view name, JsonValue value) {
      if (name != "numRecords" || value.is_null()) return true;
      const auto count = value.AsInt64();
      is_count = count && *count >= 0;
      has_num_records = is_count;
      return is_count;
    });
    if (!is_count) return complaint.Of("stats", "numRecords of its stats is no number of rows");
  }
  if (add.deletion_vector && !has_num_records) {
    return complaint.Of("stats",
                        "a file with a deletion vector needs numRecords, which counts the rows "
                        "that are deleted too, in its stats");
  }
  return {};
}

Result<void> CheckAdd(const Staged<AddFile>& staged) {
  const AddFile& add = staged.action;
  const Complaint complaint = About("add", staged);
  DELTALAKEDB_TRY(CheckPath(complaint, add.path));
  if (add.size < 0) return complaint.Of("size", fmt::format("its size is {}", add.size));
  if (add.base_row_id && *add.base_row_id < 0) {
    return complaint.Of("baseRowId", fmt::format("its baseRowId is {}", *add.base_row_id));
  }
  if (add.default_row_commit_version && *add.default_row_commit_version < 0) {
    return complaint.Of("defaultRowCommitVersion", fmt::format("its defaultRowCommitVersion is {}",
                                                               *add.default_row_commit_version));
  }
  DELTALAKEDB_TRY(CheckVector(complaint, add.deletion_vector));
  return CheckStats(complaint, add);
}

Result<void> CheckRemove(const Staged<RemoveFile>& staged) {
  const RemoveFile& remove = staged.action;
  const Complaint complaint = About("remove", staged);
  DELTALAKEDB_TRY(CheckPath(complaint, remove.path));
  if (remove.size && *remove.size < 0) {
    return complaint.Of("size", fmt::format("its size is {}", *remove.size));
  }
  if (remove.extended_file_metadata.value_or(false) && !remove.partition_values) {
    return complaint.Of("partitionValues",
                        "its extendedFileMetadata is true, so its partitionValues must be there");
  }
  if (remove.extended_file_metadata.value_or(false) && !remove.size) {
    return complaint.Of("size", "its extendedFileMetadata is true, so its size must be there");
  }
  return CheckVector(complaint, remove.deletion_vector);
}

Result<void> CheckCdc(const Staged<CdcFile>& staged) {
  const CdcFile& cdc = staged.action;
  const Complaint complaint = About("cdc", staged);
  DELTALAKEDB_TRY(CheckPath(complaint, cdc.path));
  if (cdc.size < 0) return complaint.Of("size", fmt::format("its size is {}", cdc.size));
  if (cdc.data_change) {
    return complaint.Of("dataChange",
                        "its dataChange is true; a file of changes is no data of the table, so it "
                        "has to be false");
  }
  return {};
}

// At most one add and one remove of a path, whatever their vectors; both together change the vector
// (PROTOCOL.md, One-commit validity).
class FileMentions {
 public:
  FileMentions(const StagedActions& staged, const std::string& table_root)
      : staged_(staged), hasher_(table_root) {
    mentions_.reserve(staged.adds().size() + staged.removes().size());
  }

  Result<void> Check() {
    for (std::size_t i = 0; i < staged_.adds().size(); ++i) {
      const Staged<AddFile>& add = staged_.adds()[i];
      Mention& mention = mentions_[hasher_.Hash(add.action.path, std::nullopt)];
      if (mention.add != kNone) {
        return About("add", add).Of("path", "the commit adds this file twice");
      }
      mention.add = static_cast<std::uint32_t>(i);
    }
    for (std::size_t i = 0; i < staged_.removes().size(); ++i) {
      DELTALAKEDB_TRY(CheckRemoveOfPath(static_cast<std::uint32_t>(i)));
    }
    return {};
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static_assert(kStagedActionsMax < kNone);
  struct Mention {
    std::uint32_t add = kNone;
    std::uint32_t remove = kNone;
  };

  Result<void> CheckRemoveOfPath(std::uint32_t index) {
    const Staged<RemoveFile>& remove = staged_.removes()[index];
    Mention& mention = mentions_[hasher_.Hash(remove.action.path, std::nullopt)];
    if (mention.remove != kNone) {
      return About("remove", remove).Of("path", "the commit removes this file twice");
    }
    mention.remove = index;
    if (mention.add == kNone) return {};
    const auto id = [](const std::optional<DeletionVector>& vector) {
      return vector ? std::optional(vector->UniqueId()) : std::nullopt;
    };
    if (id(staged_.adds()[mention.add].action.deletion_vector) ==
        id(remove.action.deletion_vector)) {
      return About("remove", remove)
          .Of("path",
              "the commit adds and removes this file with the same deletion vector; it can do one "
              "of them, or give the file another vector");
    }
    return {};
  }

  const StagedActions& staged_;
  FileKeyHasher hasher_;
  tsl::robin_map<FileKey, Mention, FileKeyHash> mentions_;
};

Result<void> CheckTransactions(const StagedActions& staged) {
  std::unordered_set<std::string_view> ids;
  for (const auto& [transaction, extras, line] : staged.app_transactions()) {
    const Complaint complaint("txn", line);
    if (transaction.app_id.empty()) return complaint.Of("appId", "its appId is empty");
    if (!ids.insert(transaction.app_id).second) {
      return complaint.Of("appId", fmt::format("the commit has two txn of the application {}",
                                               Excerpt(transaction.app_id)));
    }
  }
  return {};
}

Result<void> CheckDomains(const StagedActions& staged) {
  std::unordered_set<std::string_view> names;
  for (const auto& [domain, extras, line] : staged.domain_metadata()) {
    const Complaint complaint("domainMetadata", line);
    if (domain.domain.empty()) return complaint.Of("domain", "its domain is empty");
    if (domain.domain.starts_with(kSystemDomainPrefix)) {
      return complaint.Of(
          "domain", fmt::format("the domain {} is a system domain, which no user may write; this "
                                "program keeps those of the features that it supports itself",
                                Excerpt(domain.domain)));
    }
    if (!names.insert(domain.domain).second) {
      return complaint.Of("domain", fmt::format("the commit has two domainMetadata of the domain "
                                                "{}",
                                                Excerpt(domain.domain)));
    }
  }
  return {};
}

bool CanPartition(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kStruct:
    case TypeKind::kArray:
    case TypeKind::kMap:
    case TypeKind::kVariant:
      return false;
    default:
      return true;
  }
}

Result<void> CheckMetadata(const Complaint& complaint, const Metadata& metadata) {
  const auto missing = [&](std::string_view field) {
    return complaint.Of(field, fmt::format("its {} is missing", field));
  };
  if (!metadata.id) return missing("id");
  if (metadata.id->empty()) return complaint.Of("id", "its id is empty");
  if (!metadata.format_provider) return missing("format.provider");
  if (*metadata.format_provider != "parquet") {
    return complaint.Of("format.provider",
                        fmt::format("its format is {}; tables of Delta Lake hold parquet files",
                                    Excerpt(*metadata.format_provider)));
  }
  if (!metadata.schema_string) return missing("schemaString");
  // Says of a schema that is no struct, or that has a column twice, what is wrong with it.
  auto schema = Schema::Parse(*metadata.schema_string);
  if (!schema) return complaint.Of("schemaString", std::move(schema).error());
  std::vector<const Field*> columns;
  for (const std::string& name : metadata.partition_columns) {
    const Field* const column = schema->FindField(name);
    if (column == nullptr) {
      return complaint.Of("partitionColumns",
                          fmt::format("the schema has no partition column {}", Excerpt(name)));
    }
    if (std::ranges::find(columns, column) != columns.end()) {
      return complaint.Of("partitionColumns",
                          fmt::format("the partition column {} is there twice", Excerpt(name)));
    }
    if (!CanPartition(column->type())) {
      return complaint.Of("partitionColumns",
                          fmt::format("a table cannot be partitioned by {}, whose type is {}",
                                      Excerpt(name), Excerpt(column->type().ToText())));
    }
    columns.push_back(column);
  }
  return {};
}

Result<void> CheckProtocol(const Complaint& complaint, const Protocol& protocol) {
  if (auto checked = CheckWellFormed(protocol); !checked) {
    const auto* const field = checked.error().FindFact("field");
    const std::string name = field == nullptr ? "" : std::get<std::string>(*field);
    return complaint.Of(name, std::move(checked).error());
  }
  return {};
}

}  // namespace

Result<void> CheckMetadataShape(const Metadata& metadata) {
  return CheckMetadata(Complaint("metaData", 0), metadata);
}

Result<void> CheckProtocolShape(const Protocol& protocol) {
  return CheckProtocol(Complaint("protocol", 0), protocol);
}

Result<void> CheckShape(const StagedActions& staged, const std::string& table_root) {
  for (const auto& add : staged.adds()) DELTALAKEDB_TRY(CheckAdd(add));
  for (const auto& remove : staged.removes()) DELTALAKEDB_TRY(CheckRemove(remove));
  for (const auto& cdc : staged.cdc()) DELTALAKEDB_TRY(CheckCdc(cdc));
  if (const auto& metadata = staged.metadata()) {
    DELTALAKEDB_TRY(CheckMetadata(Complaint("metaData", metadata->line), metadata->action));
  }
  if (const auto& protocol = staged.protocol()) {
    DELTALAKEDB_TRY(CheckProtocol(Complaint("protocol", protocol->line), protocol->action));
  }
  DELTALAKEDB_TRY(CheckTransactions(staged));
  DELTALAKEDB_TRY(CheckDomains(staged));
  return FileMentions(staged, table_root).Check();
}

}  // namespace deltalakedb::protocol
