#include "importer/row_checker.h"

#include <fmt/format.h>

#include <utility>

#include "base/try.h"

namespace deltalakedb::importer {

namespace {

using store::InfoOf;
using store::Origin;
using store::Relation;
using store::Value;

// Columns of list_add_files.
constexpr std::size_t kFileVersion = 2;
constexpr std::size_t kAddPath = 6;
constexpr std::size_t kAddSize = 8;
constexpr std::size_t kAddEnded = 21;

bool IsOfFiles(Relation relation) { return relation <= Relation::kCdcFiles; }

// Where the version stands in a relation's rows, and the columns that rows are ordered by.
int VersionColumn(Relation relation) {
  return IsOfFiles(relation) ? static_cast<int>(kFileVersion) : 1;
}

std::strong_ordering CompareValues(const Value& left, const Value& right) {
  if (left.index() != right.index()) return left.index() <=> right.index();
  if (const auto* number = std::get_if<std::int64_t>(&left)) {
    return *number <=> std::get<std::int64_t>(right);
  }
  if (const auto* text = std::get_if<std::string_view>(&left)) {
    return *text <=> std::get<std::string_view>(right);
  }
  return std::strong_ordering::equal;
}

// How a row of the database stands to an expected one in their common order.
std::strong_ordering CompareKeys(Relation relation, const store::Cursor& actual,
                                 std::span<const Value> expected) {
  if (IsOfFiles(relation)) return CompareValues(actual.Get(0), expected[0]);
  const auto by_version = CompareValues(actual.Get(1), expected[1]);
  return by_version != std::strong_ordering::equal ? by_version
                                                   : CompareValues(actual.Get(2), expected[2]);
}

std::optional<Version> VersionOf(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? std::optional(Version(*number)) : std::nullopt;
}

// What a person recognizes a row by.
std::string NameOf(Relation relation, const Value& file_id, const Value& key) {
  const Value& value = IsOfFiles(relation) ? file_id : key;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return fmt::format("file_id {}", *number);
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) return fmt::format("\"{}\"", *text);
  return "a row";
}

}  // namespace

RowChecker::RowChecker(store::MetadataStore& store, const store::TableRow& table,
                       Differences& differences)
    : store_(store), table_(table), differences_(differences) {}

Result<void> RowChecker::Start() {
  for (std::size_t i = 0; i < relations_.size(); ++i) {
    DELTALAKEDB_ASSIGN(relations_[i].cursor,
                       store_.ListRows(static_cast<Relation>(i), table_.table_id));
    DELTALAKEDB_TRY(Advance(relations_[i]));
  }
  return {};
}

Result<void> RowChecker::Advance(Rows& rows) {
  DELTALAKEDB_ASSIGN(rows.has_row, rows.cursor->Next());
  if (rows.has_row) ++rows.seen;
  return {};
}

Result<void> RowChecker::PutText(const log::ChunkRows& chunk) {
  hash_.Take(chunk);
  if (!chunk.is_whole_body) ++parts_seen_;
  if (chunk.body.origin == Origin::kBase) {
    // The hash of all of it stands when the last chunk was taken.
    body_hash_ = hash_.Finish();
    return {};
  }
  if (hash_.chunks() == 1 && table_.base_version == chunk.body.version &&
      body_hash_ != table_.base_body_hash) {
    Differ("dl_body_parts", chunk.body.version, "the text of the base does not have its hash");
  }
  body_hash_ = hash_.Finish();
  body_bytes_ = hash_.text_bytes();
  body_parts_ = chunk.is_whole_body ? 0 : hash_.chunks();
  return {};
}

Result<void> RowChecker::PutRows(Relation relation, std::span<const Value> rows) {
  const std::size_t columns = InfoOf(relation).columns;
  for (std::size_t i = 0; i < rows.size(); i += columns) {
    DELTALAKEDB_TRY(CompareRow(relation, rows.subspan(i, columns)));
  }
  return {};
}

Result<void> RowChecker::SkipExtra(Relation relation) {
  Rows& rows = relations_[static_cast<std::size_t>(relation)];
  const store::Cursor& row = *rows.cursor;
  Differ(InfoOf(relation).name, VersionOf(row.Get(VersionColumn(relation))),
         fmt::format("{} should not be there", NameOf(relation, row.Get(0), row.Get(2))));
  return Advance(rows);
}

Result<void> RowChecker::CompareRow(Relation relation, std::span<const Value> expected) {
  Rows& rows = relations_[static_cast<std::size_t>(relation)];
  ++rows_compared_;
  for (;;) {
    const auto order = rows.has_row ? CompareKeys(relation, *rows.cursor, expected)
                                    : std::strong_ordering::greater;
    if (order == std::strong_ordering::greater) {
      Differ(InfoOf(relation).name,
             VersionOf(expected[static_cast<std::size_t>(VersionColumn(relation))]),
             fmt::format("{} is missing", NameOf(relation, expected[0], expected[2])));
      return {};
    }
    if (order == std::strong_ordering::equal) break;
    DELTALAKEDB_TRY(SkipExtra(relation));
  }
  CompareColumns(relation, *rows.cursor, expected);
  return Advance(rows);
}

void RowChecker::CompareColumns(Relation relation, const store::Cursor& actual,
                                std::span<const Value> expected) {
  const bool is_add = relation == Relation::kAddFiles;
  const std::size_t columns = is_add ? kAddEnded : expected.size();
  for (std::size_t i = 0; i < columns; ++i) {
    const int column = static_cast<int>(i);
    if (actual.Get(column) == expected[i]) continue;
    Differ(InfoOf(relation).name,
           VersionOf(expected[static_cast<std::size_t>(VersionColumn(relation))]),
           fmt::format("{}: {} is not what the commit says",
                       NameOf(relation, expected[0], expected[2]), actual.column_name(column)));
  }
  if (is_add) CompareEnd(actual, expected);
}

// An add that ends within its own commit says so itself; any other ends with a later version, and
// which one CompareIntervals knows.
void RowChecker::CompareEnd(const store::Cursor& actual, std::span<const Value> expected) {
  const Value ended = actual.Get(static_cast<int>(kAddEnded));
  const Value& own_end = expected[kAddEnded];
  const auto version = VersionOf(expected[kFileVersion]);
  if (!std::holds_alternative<std::monostate>(own_end)) {
    if (ended != own_end) {
      Differ("dl_add_files", version,
             fmt::format("file {}: its interval is not empty",
                         std::get<std::string_view>(expected[kAddPath])));
    }
    return;
  }
  if (std::holds_alternative<std::monostate>(ended)) return;
  const auto end = VersionOf(ended);
  if (!end || *end <= *version || *end > table_.current_version) {
    Differ("dl_add_files", version,
           fmt::format("file {}: its interval has no valid end",
                       std::get<std::string_view>(expected[kAddPath])));
    return;
  }
  FileTotals& totals = ends_[*end];
  ++totals.num_files;
  totals.size_in_bytes += std::get<std::int64_t>(expected[kAddSize]);
}

void RowChecker::CompareVersion(const store::VersionRow& row, store::VersionIndex expected) {
  const auto differ = [&](std::string_view what) {
    Differ("dl_table_versions", row.version, std::string(what));
  };
  expected.num_files -= ended_.num_files;
  expected.size_in_bytes -= ended_.size_in_bytes;
  if (row.index != expected) {
    differ("counts, file ids or commit_info are not what the rows and the commit say");
  }
  const bool has_text = body_hash_.has_value();
  if (row.body_hash != body_hash_ || row.body_bytes.value_or(0) != (has_text ? body_bytes_ : 0) ||
      row.body_parts != body_parts_) {
    differ("the text of the commit does not have its hash, size or number of parts");
  }
  // A commit of ours was hashed before its version was settled.
  if (store::RowHash(table_.table_id, row) != row.row_hash &&
      store::HashOfKnown(table_.table_id, row) != row.row_hash) {
    differ("the row is not what was written: its row_hash differs");
  }
}

Result<void> RowChecker::FinishVersion(Version version, const store::VersionIndex& index,
                                       const CommitInfo*) {
  // A base without a commit leaves the hash of its text here.
  const bool is_base_alone = table_.base_version == version && hash_.body().version == version &&
                             hash_.body().origin == Origin::kBase;
  if (is_base_alone) {
    if (body_hash_ != table_.base_body_hash) {
      Differ("dl_body_parts", version, "the text of the base does not have its hash");
    }
    body_hash_.reset();
  }
  if (const auto ends = ends_.extract(version)) {
    ended_.num_files += ends.mapped().num_files;
    ended_.size_in_bytes += ends.mapped().size_in_bytes;
  }
  DELTALAKEDB_ASSIGN(const auto row, store_.FindVersion(table_.table_id, version));
  if (row) {
    CompareVersion(*row, index);
  } else {
    Differ("dl_table_versions", version, "the version is missing");
  }
  ++rows_compared_;
  body_hash_.reset();
  body_bytes_ = body_parts_ = 0;
  return {};
}

Result<void> RowChecker::CompareTable(const log::IndexResult& result) {
  const auto compare = [&](std::string_view what, std::int64_t stored, std::int64_t expected) {
    if (stored == expected) return;
    Differ("dl_tables", std::nullopt,
           fmt::format("{} is {}, and has to be {}", what, stored, expected));
  };
  compare("metadata_version", table_.metadata_version.value(),
          result.metadata_version.value_or(table_.earliest_version).value());
  compare("protocol_version", table_.protocol_version.value(),
          result.protocol_version.value_or(table_.earliest_version).value());
  std::int64_t versions = 0;
  std::optional<store::VersionRow> previous;
  DELTALAKEDB_TRY(
      store_.ForEachVersion(table_.table_id, [&](store::VersionRow row) -> Result<void> {
        ++versions;
        if (row.version < table_.earliest_version || row.version > table_.current_version) {
          Differ("dl_table_versions", row.version, "the version should not be there");
        } else if (previous && row.times.ratified_at_us <= previous->times.ratified_at_us) {
          Differ("dl_table_versions", row.version, "ratified_at does not increase");
        }
        previous = std::move(row);
        return {};
      }));
  if (previous && previous->version == table_.current_version) {
    compare("last_commit_timestamp", table_.last_commit_timestamp.ms(),
            previous->times.timestamp.ms());
    compare("last_ratified_at", table_.last_ratified_at_us, previous->times.ratified_at_us);
  }
  DELTALAKEDB_ASSIGN(const std::int64_t parts, store_.CountBodyParts(table_.table_id));
  if (parts != parts_seen_) {
    Differ("dl_body_parts", std::nullopt,
           fmt::format("there are {} parts of texts, and {} belong to the table's versions", parts,
                       parts_seen_));
  }
  return {};
}

Result<void> RowChecker::CompareIntervals() {
  DELTALAKEDB_ASSIGN(const auto rows, store_.FindWrongIntervals(table_.table_id));
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool has_row, rows->Next());
    if (!has_row) return {};
    Differ("dl_add_files", Version(rows->Int(0)),
           fmt::format("file {}: its interval does not end where the next version names it",
                       rows->Text(1)));
  }
}

Result<void> RowChecker::Finish(const log::IndexResult& result) {
  for (std::size_t i = 0; i < relations_.size(); ++i) {
    const auto relation = static_cast<Relation>(i);
    while (relations_[i].has_row && !differences_.has_more()) DELTALAKEDB_TRY(SkipExtra(relation));
    if (relations_[i].has_row) continue;
    DELTALAKEDB_ASSIGN(const std::int64_t count, store_.CountRows(relation, table_.table_id));
    if (count != relations_[i].seen) {
      Differ(InfoOf(relation).name, std::nullopt,
             fmt::format("{} rows are outside of the table's range of file ids",
                         count - relations_[i].seen));
    }
  }
  DELTALAKEDB_TRY(CompareIntervals());
  return CompareTable(result);
}

}  // namespace deltalakedb::importer
