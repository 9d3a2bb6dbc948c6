#include "protocol/column_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"
#include "protocol/number_text.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::string_view kAllowsInsert = "delta.identity.allowExplicitInsert";
constexpr std::size_t kStatsBytesMax = kStagedLineBytesMax;

// The same column in the schema before; null for a new one.
const Field* FindSame(const std::vector<Field>& fields, const Field& field, bool is_mapped) {
  const auto same = std::ranges::find_if(fields, [&](const Field& other) {
    return is_mapped ? other.column_mapping_id() == field.column_mapping_id()
                     : other.name() == field.name();
  });
  return same == fields.end() ? nullptr : &*same;
}

// Digits before the point that a whole number needs; 0 for other types.
int WholeDigits(TypeKind kind) {
  switch (kind) {
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
      return 10;
    case TypeKind::kLong:
      return 20;
    default:
      return 0;
  }
}

// PROTOCOL.md, Type widening.
bool IsWidening(const DataType& from, const DataType& to) {
  constexpr std::array kWholes = {TypeKind::kByte, TypeKind::kShort, TypeKind::kInteger,
                                  TypeKind::kLong};
  const auto* const from_whole = std::ranges::find(kWholes, from.kind());
  const auto* const to_whole = std::ranges::find(kWholes, to.kind());
  if (to_whole != kWholes.end()) return from_whole < to_whole;
  if (to.kind() == TypeKind::kDouble) {
    return from.kind() == TypeKind::kFloat ||
           (from_whole != kWholes.end() && from.kind() != TypeKind::kLong);
  }
  if (to.kind() == TypeKind::kTimestampNtz) return from.kind() == TypeKind::kDate;
  if (to.kind() != TypeKind::kDecimal) return false;
  if (from.kind() == TypeKind::kDecimal) {
    return to.scale() >= from.scale() &&
           to.precision() - to.scale() >= from.precision() - from.scale();
  }
  const int digits = WholeDigits(from.kind());
  return digits > 0 && to.precision() - to.scale() >= digits;
}

// Whether a column's delta.typeChanges have a change between these types.
bool IsNoted(const Field& field, const DataType& from, const DataType& to) {
  const std::string* const json = field.FindMetadata(kTypeChanges);
  if (json == nullptr) return false;
  const auto changes =
      JsonDocument::ParseObject(fmt::format(R"({{"changes":{}}})", *json), kSchemaTextBytesMax);
  if (!changes) return false;
  bool is_noted = false;
  const auto look = [&](JsonValue change) {
    bool is_from = false;
    bool is_to = false;
    if (!change.is_object()) return true;
    change.ForEachMember([&](std::string_view name, JsonValue value) {
      is_from |= name == "fromType" && value.AsString() == from.ToText();
      is_to |= name == "toType" && value.AsString() == to.ToText();
      return true;
    });
    is_noted |= is_from && is_to;
    return true;
  };
  changes->root().ForEachMember([&](std::string_view, JsonValue value) {
    if (value.is_array()) value.ForEachElement(look);
    return true;
  });
  return is_noted;
}

class MisfitFinder {
 public:
  MisfitFinder(bool is_mapped, bool has_type_widening)
      : is_mapped_(is_mapped), has_type_widening_(has_type_widening) {}

  std::optional<std::string> InFields(const DataType& before, const DataType& after,
                                      const std::string& above) const {
    for (const Field& field : after.fields()) {
      const std::string name = above + field.name();
      const Field* const same = FindSame(before.fields(), field, is_mapped_);
      if (same == nullptr && !field.nullable()) {
        return fmt::format("the column {} is new and not nullable", Excerpt(name));
      }
      if (same == nullptr) continue;
      if (auto misfit = InType(field, same->type(), field.type(), name)) return misfit;
    }
    return std::nullopt;
  }

 private:
  // `column` is the nearest field, which notes changes of its parts too.
  std::optional<std::string> InType(const Field& column, const DataType& before,
                                    const DataType& after, const std::string& name) const {
    if (before.kind() == after.kind()) {
      switch (after.kind()) {
        case TypeKind::kStruct:
          return InFields(before, after, name + ".");
        case TypeKind::kArray:
          return InType(column, before.element(), after.element(), name + ".element");
        case TypeKind::kMap:
          if (auto misfit = InType(column, before.key(), after.key(), name + ".key")) return misfit;
          return InType(column, before.value(), after.value(), name + ".value");
        default:
          break;
      }
    }
    // No file has values of a column that is void.
    if (before == after || before.kind() == TypeKind::kVoid) return std::nullopt;
    std::string change = fmt::format("the type of column {} changes from {} to {}", Excerpt(name),
                                     before.ToText(), after.ToText());
    if (!has_type_widening_ || !IsWidening(before, after)) return change;
    if (IsNoted(column, before, after)) return std::nullopt;
    return fmt::format("{}, which its {} do not note", change, kTypeChanges);
  }

  bool is_mapped_;
  bool has_type_widening_;
};

// Errors: Corrupt.
Result<std::optional<std::int64_t>> FindNumber(const Field& field, std::string_view key) {
  const std::string* const json = field.FindMetadata(key);
  if (json == nullptr) return std::optional<std::int64_t>();
  if (const auto value = ParseInt(*json)) return value;
  return Fail(Error(ErrorCode::kCorrupt, fmt::format("{} of column {} is no number: {}", key,
                                                     Excerpt(field.name()), Excerpt(*json)))
                  .With("column", Excerpt(field.name())));
}

}  // namespace

bool IsWideningOf(std::string_view from, std::string_view to) {
  const auto type_of = [](std::string_view name) -> std::optional<DataType> {
    const auto schema = Schema::Parse(
        fmt::format(R"({{"type":"struct","fields":[{{"name":"c","type":"{}"}}]}})", name));
    if (!schema) return std::nullopt;
    return schema->fields().front().type();
  };
  const auto from_type = type_of(from);
  const auto to_type = type_of(to);
  return from_type && to_type && IsWidening(*from_type, *to_type);
}

std::optional<std::string> FindColumnMisfit(const Schema& before, const Schema& after,
                                            bool is_mapped, bool has_type_widening) {
  return MisfitFinder(is_mapped, has_type_widening).InFields(before.type(), after.type(), "");
}

Result<std::vector<IdentityColumn>> FindIdentityColumns(const Schema& schema, bool is_mapped) {
  std::vector<IdentityColumn> columns;
  for (const Field& field : schema.fields()) {
    DELTALAKEDB_ASSIGN(const auto step, FindNumber(field, kIdentityStep));
    if (!step) continue;
    const std::string* const allows_insert = field.FindMetadata(kAllowsInsert);
    if (allows_insert != nullptr && *allows_insert == "true") continue;
    DELTALAKEDB_ASSIGN(const auto mark, FindNumber(field, kIdentityMark));
    columns.push_back({field.name(),
                       is_mapped ? field.physical_name().value_or(field.name()) : field.name(),
                       *step < 0, mark});
  }
  return columns;
}

Result<void> CheckIdentityMarks(const Complaint& complaint, const Schema& before,
                                const Schema& after, bool is_mapped) {
  for (const Field& field : after.fields()) {
    const auto step = FindNumber(field, kIdentityStep);
    if (!step) return complaint.Of("schemaString", step.error());
    const auto mark = FindNumber(field, kIdentityMark);
    if (!mark) return complaint.Of("schemaString", mark.error());
    const Field* const same = FindSame(before.fields(), field, is_mapped);
    if (!*step || same == nullptr) continue;
    DELTALAKEDB_ASSIGN(const auto mark_before, FindNumber(*same, kIdentityMark));
    if (!mark_before) continue;
    if (!*mark || (**step < 0 ? **mark > *mark_before : **mark < *mark_before)) {
      return complaint.Of("schemaString",
                          fmt::format("{} of column {} may not go back, from {}, or values would "
                                      "come twice",
                                      kIdentityMark, Excerpt(field.name()), *mark_before));
    }
  }
  return {};
}

Result<void> CheckIdentityValues(const Complaint& complaint, const AddFile& add,
                                 const std::vector<IdentityColumn>& columns) {
  if (columns.empty() || !add.stats) return {};
  const auto stats = JsonDocument::ParseObject(*add.stats, kStatsBytesMax);
  if (!stats) return {};  // the shape is checked elsewhere
  std::optional<std::string> problem;
  const auto look = [&](bool is_max, JsonValue values) {
    if (!values.is_object()) return;
    values.ForEachMember([&](std::string_view name, JsonValue value) {
      const auto column = std::ranges::find(columns, name, &IdentityColumn::physical_name);
      const auto furthest = value.AsInt64();
      if (column == columns.end() || column->goes_down == is_max || !furthest) return true;
      const bool is_within =
          column->mark && (is_max ? *furthest <= *column->mark : *furthest >= *column->mark);
      if (is_within) return true;
      problem = fmt::format(
          "its values of the identity column {} go to {}, and the {} is {}: move it by a metaData "
          "in the same commit, or others make these values again",
          Excerpt(column->name), *furthest, kIdentityMark,
          column->mark ? std::to_string(*column->mark) : "not set");
      return false;
    });
  };
  stats->root().ForEachMember([&](std::string_view name, JsonValue values) {
    if (name == "maxValues") look(/*is_max=*/true, values);
    if (name == "minValues") look(/*is_max=*/false, values);
    return true;
  });
  if (problem) return complaint.Of("stats", *std::move(problem));
  return {};
}

}  // namespace deltalakedb::protocol
