#include "mirror/duckdb/view_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace deltalakedb::mirror {

namespace {

constexpr std::string_view kMappingMode = "delta.columnMapping.mode";
// In place of columns that files have: read_parquet wants at least one.
constexpr std::string_view kNoColumn = "deltalakedb.none";

enum class Mapping : std::uint8_t { kNone, kName, kId };

Mapping MappingOf(const Metadata& metadata) {
  const auto mode = metadata.configuration.find(std::string(kMappingMode));
  if (mode == metadata.configuration.end()) return Mapping::kNone;
  if (mode->second == "id") return Mapping::kId;
  return mode->second == "name" ? Mapping::kName : Mapping::kNone;
}

const std::string& NameIn(Mapping mapping, const Field& field) {
  if (mapping == Mapping::kNone || !field.physical_name()) return field.name();
  return *field.physical_name();
}

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    quoted += c;
    if (c == quote) quoted += c;
  }
  quoted += quote;
  return quoted;
}

// ---- types --------------------------------------------------------------------------------------

// How the types of a table are named: those of the view, or those to be read from files.
struct TypeNames {
  Mapping mapping = Mapping::kNone;  // which names the fields of structs have
  bool is_zoneless = false;          // whether timestamps have lost their zone
};

std::string TypeText(const DataType& type, const TypeNames& names) {
  switch (type.kind()) {
    case TypeKind::kStruct: {
      std::vector<std::string> fields;
      for (const Field& field : type.fields()) {
        fields.push_back(QuoteName(NameIn(names.mapping, field)) + ' ' +
                         TypeText(field.type(), names));
      }
      return fmt::format("STRUCT({})", fmt::join(fields, ", "));
    }
    case TypeKind::kArray:
      return TypeText(type.element(), names) + "[]";
    case TypeKind::kMap:
      return fmt::format("MAP({}, {})", TypeText(type.key(), names), TypeText(type.value(), names));
    case TypeKind::kLong:
      return "BIGINT";
    case TypeKind::kInteger:
      return "INTEGER";
    case TypeKind::kShort:
      return "SMALLINT";
    case TypeKind::kByte:
      return "TINYINT";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kDecimal:
      return fmt::format("DECIMAL({}, {})", type.precision(), type.scale());
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kBinary:
      return "BLOB";
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTimestamp:
      return names.is_zoneless ? "TIMESTAMP" : "TIMESTAMP WITH TIME ZONE";
    case TypeKind::kTimestampNtz:
      return "TIMESTAMP";
    default:
      return "VARCHAR";  // kString: CheckViewable has refused the others
  }
}

// Whether a type is of that kind or has one inside.
bool HasKind(const DataType& type, TypeKind kind) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      return std::ranges::any_of(type.fields(),
                                 [&](const Field& field) { return HasKind(field.type(), kind); });
    case TypeKind::kArray:
      return HasKind(type.element(), kind);
    case TypeKind::kMap:
      return HasKind(type.key(), kind) || HasKind(type.value(), kind);
    default:
      return type.kind() == kind;
  }
}

bool HasTimestamp(const DataType& type) { return HasKind(type, TypeKind::kTimestamp); }

bool HasOtherNames(const DataType& type, Mapping mapping) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      return std::ranges::any_of(type.fields(), [&](const Field& field) {
        return NameIn(mapping, field) != field.name() || HasOtherNames(field.type(), mapping);
      });
    case TypeKind::kArray:
      return HasOtherNames(type.element(), mapping);
    case TypeKind::kMap:
      return HasOtherNames(type.key(), mapping) || HasOtherNames(type.value(), mapping);
    default:
      return false;
  }
}

// A value as it was read, as the view shows it. `depth` keeps the names of lambdas apart.
std::string ShownText(const DataType& type, const std::string& value, const TypeNames& names,
                      int depth = 0) {
  const bool is_as_read =
      !(names.is_zoneless && HasTimestamp(type)) && !HasOtherNames(type, names.mapping);
  if (is_as_read) return value;
  const std::string each = fmt::format("e{}", depth);
  const auto unless_null = [&](const std::string& shown) {
    return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE {} END", value, shown);
  };
  switch (type.kind()) {
    case TypeKind::kStruct: {
      std::vector<std::string> fields;
      for (const Field& field : type.fields()) {
        const std::string inner =
            fmt::format("struct_extract({}, {})", value, QuoteText(NameIn(names.mapping, field)));
        fields.push_back(QuoteText(field.name()) + ": " +
                         ShownText(field.type(), inner, names, depth + 1));
      }
      return unless_null(fmt::format("{{{}}}", fmt::join(fields, ", ")));
    }
    case TypeKind::kArray:
      return fmt::format("list_transform({}, lambda {}: {})", value, each,
                         ShownText(type.element(), each, names, depth + 1));
    case TypeKind::kMap:
      return unless_null(fmt::format(
          "map_from_entries(list_transform(map_entries({}), lambda {}: {{'key': {}, 'value': "
          "{}}}))",
          value, each, ShownText(type.key(), each + ".\"key\"", names, depth + 1),
          ShownText(type.value(), each + ".\"value\"", names, depth + 1)));
    default:
      return value + " AT TIME ZONE 'UTC'";
  }
}

// ---- columns ------------------------------------------------------------------------------------

bool IsPartitionColumn(const std::vector<std::string>& columns, const Field& field) {
  return std::ranges::find(columns, field.name()) != columns.end();
}

// The columns of a schema that are read from files, with c0, c1, … for their names.
template <typename Visit>
void ForEachFileColumn(const Schema& schema, const std::vector<std::string>& partition_columns,
                       Visit visit) {
  std::size_t number = 0;
  for (const Field& field : schema.fields()) {
    if (!IsPartitionColumn(partition_columns, field)) visit(field, fmt::format("c{}", number));
    ++number;
  }
}

std::string PartitionText(const Metadata& metadata, const Field& field) {
  std::string text =
      fmt::format("f.partition_values[{}]", QuoteText(PhysicalName(metadata, field)));
  if (field.type().kind() == TypeKind::kString) return text;
  if (field.type().kind() == TypeKind::kBinary) return fmt::format("encode({})", text);
  return fmt::format("CAST({} AS {})", text, TypeText(field.type(), {}));
}

// One group of files, its paths being the macro's parameter of that name.
std::string GroupText(const ViewShape& shape, FileGroup group, std::string_view parameter) {
  const TypeNames names = {.mapping = MappingOf(shape.metadata),
                           .is_zoneless = group == FileGroup::kZoneless};
  std::vector<std::string> columns;
  std::vector<std::string> read;
  const auto by_id = [&](const Field& field) {
    return names.mapping == Mapping::kId && field.column_mapping_id();
  };
  ForEachFileColumn(
      shape.schema, shape.metadata.partition_columns,
      [&](const Field& field, const std::string& column) {
        columns.push_back(ShownText(field.type(), column, names) + " AS " + column);
        const std::string key = by_id(field) ? fmt::to_string(*field.column_mapping_id())
                                             : QuoteText(NameIn(names.mapping, field));
        read.push_back(fmt::format("{}: {{name: '{}', type: {}, default_value: NULL}}", key, column,
                                   QuoteText(TypeText(field.type(), names))));
      });
  if (read.empty()) {
    read.push_back(
        fmt::format("'{}': {{name: 'c', type: 'BOOLEAN', default_value: NULL}}", kNoColumn));
  }
  columns.emplace_back("filename AS file_name");
  columns.emplace_back("file_row_number AS file_row");
  return fmt::format(
      "SELECT {} FROM read_parquet({}, schema = MAP {{{}}}, hive_partitioning = false)",
      fmt::join(columns, ", "), parameter, fmt::join(read, ", "));
}

std::string StubText(const ViewShape& shape) {
  std::vector<std::string> columns;
  ForEachFileColumn(shape.schema, shape.metadata.partition_columns,
                    [&](const Field& field, const std::string& column) {
                      columns.push_back(fmt::format("CAST(NULL AS {}) AS {}",
                                                    TypeText(field.type(), {}), column));
                    });
  columns.emplace_back("CAST(NULL AS VARCHAR) AS file_name");
  columns.emplace_back("CAST(NULL AS BIGINT) AS file_row");
  return fmt::format("SELECT {} WHERE false", fmt::join(columns, ", "));
}

std::string ScanMacro(const ViewShape& shape, std::string_view body) {
  return fmt::format("CREATE OR REPLACE MACRO deltalakedb.scan_{}(a, b) AS TABLE {}",
                     shape.table_no, body);
}

// Errors: Unsupported. `column` is the way to the type, for messages.
Result<void> CheckType(std::string_view table, const std::string& column, const DataType& type) {
  const auto refuse = [&](std::string_view why) -> Result<void> {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("column {} of table {}: {}; the duckdb mirror of this table has "
                                  "to wait for a newer program",
                                  column, table, why))
                    .With("column", column)
                    .With("type", type.ToText()));
  };
  switch (type.kind()) {
    case TypeKind::kVariant:
    case TypeKind::kVoid:
    case TypeKind::kOther:
      return refuse(fmt::format("its type {} has no view in DuckDB yet", type.ToText()));
    case TypeKind::kStruct:
      if (type.fields().empty()) return refuse("DuckDB has no structs without fields");
      for (const Field& field : type.fields()) {
        if (field.name().contains('\0')) return refuse("DuckDB takes no NUL in names");
        if (auto checked = CheckType(table, column + '.' + field.name(), field.type()); !checked) {
          return checked;
        }
      }
      return {};
    case TypeKind::kArray:
      return CheckType(table, column + ".element", type.element());
    case TypeKind::kMap:
      if (auto checked = CheckType(table, column + ".key", type.key()); !checked) return checked;
      return CheckType(table, column + ".value", type.value());
    default:
      return {};
  }
}

}  // namespace

std::string QuoteName(std::string_view name) { return Quoted(name, '"'); }
std::string QuoteText(std::string_view text) { return Quoted(text, '\''); }

std::string QuotePath(std::string_view path) {
  std::string pattern;
  for (const char c : path) {
    const bool is_special = c == '*' || c == '?' || c == '[';
    pattern += is_special ? fmt::format("[{}]", c) : std::string(1, c);
  }
  return QuoteText(pattern);
}

Result<void> CheckViewable(std::string_view table, const Schema& schema) {
  if (table.contains('\0') || schema.fields().empty()) {
    return Fail(
        ErrorCode::kUnsupported,
        fmt::format("table {}: DuckDB has no views without columns, nor a NUL in names", table));
  }
  for (const Field& field : schema.fields()) {
    if (field.name().contains('\0')) {
      return Fail(Error(ErrorCode::kUnsupported, "DuckDB takes no NUL in names")
                      .With("column", field.name()));
    }
    if (auto checked = CheckType(table, field.name(), field.type()); !checked) return checked;
  }
  return {};
}

bool HasTimestamps(const Schema& schema, const std::vector<std::string>& partition_columns) {
  return std::ranges::any_of(schema.fields(), [&](const Field& field) {
    return !IsPartitionColumn(partition_columns, field) && HasTimestamp(field.type());
  });
}

std::set<std::string> ColumnsOfMoments(const Metadata& metadata, const Schema& schema) {
  std::set<std::string> columns;
  for (const Field& field : schema.fields()) {
    if (!HasTimestamp(field.type()) || HasKind(field.type(), TypeKind::kTimestampNtz)) continue;
    columns.insert(PhysicalName(metadata, field));
  }
  return columns;
}

const std::string& PhysicalName(const Metadata& metadata, const Field& field) {
  return NameIn(MappingOf(metadata), field);
}

ViewText MakeViewText(const ViewShape& shape) {
  std::vector<std::string> groups;
  if (shape.has_files[0]) groups.push_back(GroupText(shape, FileGroup::kPlain, "a"));
  if (shape.has_files[1]) groups.push_back(GroupText(shape, FileGroup::kZoneless, "b"));
  if (groups.empty()) groups.push_back(StubText(shape));
  std::vector<std::string> columns;
  std::size_t number = 0;
  for (const Field& field : shape.schema.fields()) {
    const bool is_partition = IsPartitionColumn(shape.metadata.partition_columns, field);
    columns.push_back(
        (is_partition ? PartitionText(shape.metadata, field) : fmt::format("r.c{}", number)) +
        " AS " + QuoteName(field.name()));
    ++number;
  }
  std::string from = fmt::format(
      "deltalakedb.scan_{0}(deltalakedb.paths_{0}_0(), "
      "deltalakedb.paths_{0}_1()) AS r",
      shape.table_no);
  if (!shape.metadata.partition_columns.empty() || shape.has_deleted_rows) {
    from += fmt::format(" JOIN deltalakedb.files AS f ON f.table_no = {} AND f.path = r.file_name",
                        shape.table_no);
  }
  if (shape.has_deleted_rows) {
    from +=
        " WHERE NOT EXISTS (SELECT 1 FROM deltalakedb.deleted_rows AS d WHERE d.file_id = "
        "f.file_id AND d.position = r.file_row)";
  }
  return {.stub = ScanMacro(shape, StubText(shape)),
          .view = fmt::format("CREATE OR REPLACE VIEW main.{} AS SELECT {} FROM {}",
                              QuoteName(shape.name), fmt::join(columns, ", "), from),
          .scan = ScanMacro(shape, fmt::to_string(fmt::join(groups, " UNION ALL ")))};
}

std::string PartText(std::int64_t table_no, std::int64_t part,
                     const std::vector<std::string>& paths) {
  std::vector<std::string> quoted;
  quoted.reserve(paths.size());
  for (const std::string& path : paths) quoted.push_back(QuotePath(path));
  return fmt::format("CREATE OR REPLACE MACRO deltalakedb.part_{}_{}() AS [{}]", table_no, part,
                     fmt::join(quoted, ", "));
}

std::string DropPartText(std::int64_t table_no, std::int64_t part) {
  return fmt::format("DROP MACRO deltalakedb.part_{}_{}", table_no, part);
}

std::string PathsText(std::int64_t table_no, FileGroup group,
                      const std::vector<std::int64_t>& parts) {
  std::vector<std::string> calls;
  for (const std::int64_t part : parts) {
    calls.push_back(fmt::format("deltalakedb.part_{}_{}()", table_no, part));
  }
  return fmt::format("CREATE OR REPLACE MACRO deltalakedb.paths_{}_{}() AS {}", table_no,
                     static_cast<int>(group),
                     calls.empty() ? "CAST([] AS VARCHAR[])"
                                   : fmt::format("flatten([{}])", fmt::join(calls, ", ")));
}

std::string DropViewText(std::string_view name) {
  return fmt::format("DROP VIEW IF EXISTS main.{}", QuoteName(name));
}

}  // namespace deltalakedb::mirror
