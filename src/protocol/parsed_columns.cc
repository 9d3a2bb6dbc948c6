#include "protocol/parsed_columns.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"
#include "protocol/features.h"
#include "protocol/number_text.h"
#include "protocol/table_rules.h"

namespace deltalakedb::protocol {
namespace {

// delta.dataSkippingNumIndexedCols where it is not set (PROTOCOL.md, Table properties).
constexpr std::int64_t kIndexedLeavesDefault = 32;

const std::string* FindProperty(const Metadata& metadata, std::string_view name) {
  const auto found = metadata.configuration.find(std::string(name));
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

bool HasMapping(const Metadata& metadata) {
  const std::string* const mode = FindProperty(metadata, kColumnMappingMode);
  return mode != nullptr && (*mode == "name" || *mode == "id");
}

std::string PhysicalName(const Field& field, bool is_mapped) {
  return is_mapped ? field.physical_name().value_or(field.name()) : field.name();
}

// Takes a name up to its dot or comma; false where it is none.
bool TakeName(std::string_view& text, std::string& name) {
  if (!text.starts_with('`')) {
    name = text.substr(0, text.find_first_of(".,`"));
    text.remove_prefix(name.size());
    while (name.ends_with(' ')) name.pop_back();
    return !name.empty() && !text.starts_with('`');
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '`') {
      name += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '`') {
      name += text[++i];
    } else {
      text.remove_prefix(i + 1);
      return !name.empty();
    }
  }
  return false;
}

void SkipBlanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

using ColumnNames = std::vector<std::vector<std::string>>;

// Whether the names lead to the leaf or to a struct around it.
bool LeadTo(const std::vector<std::string>& names, const LeafColumn& leaf) {
  return names.size() <= leaf.path.size() &&
         std::ranges::equal(names, std::span(leaf.path).first(names.size()),
                            [](const std::string& name, const Field* field) {
                              return base::IsSameName(name, field->name());
                            });
}

// Keeps the leaves that files have statistics of.
void KeepIndexed(const Metadata& metadata, std::vector<LeafColumn>& leaves) {
  std::erase_if(leaves, [&](const LeafColumn& leaf) {
    return std::ranges::any_of(metadata.partition_columns, [&](const std::string& name) {
      return base::IsSameName(name, leaf.path.front()->name());
    });
  });
  if (const auto* const listed = FindProperty(metadata, "delta.dataSkippingStatsColumns")) {
    if (const auto columns = ParseColumnNames(*listed)) {
      std::erase_if(leaves, [&](const LeafColumn& leaf) {
        return std::ranges::none_of(*columns,
                                    [&](const auto& names) { return LeadTo(names, leaf); });
      });
      return;
    }
  }
  const auto* const text = FindProperty(metadata, "delta.dataSkippingNumIndexedCols");
  const auto count = text == nullptr ? std::nullopt : ParseInt(*text);
  if (count == -1) return;
  const auto kept = static_cast<std::size_t>(count && *count >= 0 ? *count : kIndexedLeavesDefault);
  if (leaves.size() > kept) leaves.resize(kept);
}

// Leaves come in the order of the schema, so those of one struct come one after the other.
void AddLeaf(std::span<const Field* const> path, bool is_mapped, std::vector<StatsField>& fields) {
  const Field& field = *path.front();
  std::string name = PhysicalName(field, is_mapped);
  if (path.size() == 1) {
    fields.push_back({std::move(name), field.type(), {}});
    return;
  }
  if (fields.empty() || fields.back().name != name || fields.back().type) {
    fields.push_back({std::move(name), std::nullopt, {}});
  }
  AddLeaf(path.subspan(1), is_mapped, fields.back().fields);
}

// Whether two columns beside each other have one name, as only damaged metadata has it.
template <typename Fields>
bool HaveTwins(const Fields& fields) {
  std::vector<std::string_view> names;
  for (const auto& field : fields) names.push_back(field.name);
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

bool HaveTwinsBelow(const std::vector<StatsField>& fields) {
  return HaveTwins(fields) || std::ranges::any_of(fields, [](const StatsField& field) {
           return HaveTwinsBelow(field.fields);
         });
}

bool HasTypedValue(const DataType& type) {
  return HasBounds(type) || type.kind() == TypeKind::kBinary;
}

}  // namespace

bool HasBounds(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kString:
    case TypeKind::kLong:
    case TypeKind::kInteger:
    case TypeKind::kShort:
    case TypeKind::kByte:
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kDecimal:
    case TypeKind::kBoolean:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return true;
    default:
      return false;
  }
}

std::optional<ColumnNames> ParseColumnNames(std::string_view text) {
  ColumnNames columns;
  SkipBlanks(text);
  if (text.empty()) return columns;
  columns.emplace_back();
  for (;;) {
    if (!TakeName(text, columns.back().emplace_back())) return std::nullopt;
    SkipBlanks(text);
    if (text.empty()) return columns;
    if (text.front() != '.' && text.front() != ',') return std::nullopt;
    if (text.front() == ',') columns.emplace_back();
    text.remove_prefix(1);
    SkipBlanks(text);
  }
}

std::optional<ParsedColumns> FindParsedColumns(const Protocol& protocol, const Metadata& metadata) {
  const auto schema = Schema::Parse(metadata.schema_string.value_or(""));
  if (!schema) return std::nullopt;
  const bool is_mapped = HasMapping(metadata);
  std::vector<LeafColumn> leaves = schema->LeafColumns();
  KeepIndexed(metadata, leaves);
  if (leaves.size() > kParsedStatsLeavesMax) return std::nullopt;
  ParsedColumns columns;
  for (const LeafColumn& leaf : leaves) AddLeaf(leaf.path, is_mapped, columns.stats);
  columns.with_tight_bounds = Supports(protocol, "deletionVectors");
  for (const std::string& name : metadata.partition_columns) {
    const Field* const field = schema->FindField(name);
    if (field == nullptr || !HasTypedValue(field->type())) {
      columns.partitions.clear();
      break;
    }
    columns.partitions.push_back({PhysicalName(*field, is_mapped), field->type()});
  }
  if (HaveTwinsBelow(columns.stats) || HaveTwins(columns.partitions)) return std::nullopt;
  return columns;
}

}  // namespace deltalakedb::protocol
