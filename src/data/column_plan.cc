#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "data/arrow_types.h"
#include "data/column_plan_internal.h"
#include "protocol/excerpt.h"

namespace deltalakedb::data {

namespace {

using protocol::Excerpt;
using Casts = std::vector<std::shared_ptr<arrow::DataType>>;

// To bytes or text; both are the same to Arrow but for their name.
std::optional<Casts> TextCasts(const arrow::DataType& there) {
  switch (there.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return Casts{};
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return Casts{arrow::utf8()};
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return Casts{arrow::binary()};
    default:
      return std::nullopt;
  }
}

std::optional<Casts> TimestampCasts(const DataType& wanted, const arrow::DataType& there) {
  if (there.id() == arrow::Type::DATE32 && wanted.kind() == TypeKind::kTimestampNtz) {
    return Casts{arrow::timestamp(arrow::TimeUnit::MICRO)};
  }
  if (there.id() != arrow::Type::TIMESTAMP) return std::nullopt;
  // A zone, or that there is none, changes nothing: without one the moments of a `timestamp` are
  // UTC, as Spark and all others store them.
  const auto& timestamp = static_cast<const arrow::TimestampType&>(there);
  if (timestamp.unit() == arrow::TimeUnit::MICRO) return Casts{};
  return Casts{arrow::timestamp(arrow::TimeUnit::MICRO, timestamp.timezone())};
}

bool FitsNumber(TypeKind wanted, const arrow::DataType& there) {
  switch (wanted) {
    case TypeKind::kFloat:
      return there.id() == arrow::Type::HALF_FLOAT;
    case TypeKind::kDouble:
      return there.id() == arrow::Type::HALF_FLOAT || there.id() == arrow::Type::FLOAT ||
             arrow::is_integer(there.id());
    case TypeKind::kDecimal:
      return arrow::is_decimal(there.id()) || arrow::is_integer(there.id());
    default:
      return arrow::is_integer(there.id());
  }
}

// A name for people, of which an error says that a file has it.
std::string TypeText(const arrow::DataType& type) { return Excerpt(type.ToString()); }

}  // namespace

std::optional<Casts> FindCasts(const DataType& wanted, const arrow::DataType& file_type) {
  const arrow::DataType& there = StorageTypeOf(file_type);
  if (there.id() == arrow::Type::DICTIONARY) {
    const auto& values = static_cast<const arrow::DictionaryType&>(there).value_type();
    auto casts = FindCasts(wanted, *values);
    if (casts) casts->insert(casts->begin(), values);
    return casts;
  }
  switch (wanted.kind()) {
    case TypeKind::kString:
    case TypeKind::kBinary:
      return TextCasts(there);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return TimestampCasts(wanted, there);
    case TypeKind::kDate:
      if (there.id() == arrow::Type::DATE32) return Casts{};
      if (there.id() == arrow::Type::DATE64) return Casts{arrow::date32()};
      return std::nullopt;
    case TypeKind::kBoolean:
      return there.id() == arrow::Type::BOOL ? std::optional<Casts>(Casts{}) : std::nullopt;
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kDecimal: {
      auto type = ArrowTypeOf(wanted);
      if (!type) return std::nullopt;
      if (there.Equals(**type)) return Casts{};
      if (!FitsNumber(wanted.kind(), there)) return std::nullopt;
      return Casts{*std::move(type)};
    }
    default:
      return std::nullopt;
  }
}

std::unexpected<Error> ColumnPlanner::Misfit(const DataType& wanted,
                                             const arrow::DataType& there) const {
  return Fail(Error(ErrorCode::kCorrupt,
                    fmt::format("{} has column {} as {}, from which the table's type {} cannot be "
                                "read; the file was not written for this table",
                                path_, Excerpt(column_), TypeText(there), Excerpt(wanted.ToText())))
                  .With("column", Excerpt(column_))
                  .With("file", path_)
                  .With("type", TypeText(there)));
}

Result<ColumnPlan> ColumnPlanner::PlanColumn(const Field& column) {
  column_ = column.name();
  return Plan(column.type(), file_.Find(file_.columns(), column, shape_));
}

Result<ColumnPlan> ColumnPlanner::PlanHidden(const std::string& name, const DataType& type) {
  column_ = name;
  return Plan(type, file_.FindColumn(name));
}

Result<ColumnPlan> ColumnPlanner::Plan(const DataType& type, const FileSchema::Field* source) {
  ColumnPlan plan;
  DELTALAKEDB_ASSIGN(plan.type, ArrowTypeOf(type));
  if (source == nullptr || type.kind() == TypeKind::kVoid) return plan;
  const arrow::DataType& there = StorageTypeOf(*source->field->type());
  // A column that its writer knew no type of.
  if (there.id() == arrow::Type::NA) return plan;
  plan.source = source;
  switch (type.kind()) {
    case TypeKind::kStruct:
      DELTALAKEDB_TRY(PlanStruct(type, plan));
      return plan;
    case TypeKind::kVariant:
      DELTALAKEDB_TRY(PlanVariant(plan));
      return plan;
    case TypeKind::kArray:
    case TypeKind::kMap:
      DELTALAKEDB_TRY(PlanNested(type, plan));
      return plan;
    default:
      break;
  }
  auto casts = source->is_leaf() ? FindCasts(type, there) : std::nullopt;
  if (!casts) return Misfit(type, there);
  plan.kind = ColumnPlan::Kind::kValues;
  plan.casts = *std::move(casts);
  leaves_.insert(source->column_index);
  return plan;
}

Result<void> ColumnPlanner::PlanStruct(const DataType& type, ColumnPlan& plan) {
  const arrow::DataType& there = StorageTypeOf(*plan.source->field->type());
  if (there.id() != arrow::Type::STRUCT || plan.source->is_leaf()) return Misfit(type, there);
  plan.kind = ColumnPlan::Kind::kStruct;
  plan.children.reserve(type.fields().size());
  for (const Field& field : type.fields()) {
    const std::size_t length = column_.size();
    column_ += '.' + field.name();
    DELTALAKEDB_ASSIGN(plan.children.emplace_back(),
                       Plan(field.type(), file_.Find(plan.source->children, field, shape_)));
    column_.resize(length);
  }
  Touch(*plan.source);
  return {};
}

Result<void> ColumnPlanner::PlanVariant(ColumnPlan& plan) {
  const DataType variant = DataType::Simple(TypeKind::kVariant);
  const arrow::DataType& there = StorageTypeOf(*plan.source->field->type());
  if (there.id() != arrow::Type::STRUCT || plan.source->is_leaf()) return Misfit(variant, there);
  const auto& fields = plan.source->children;
  const auto find = [&](std::string_view name) {
    const auto found = std::ranges::find_if(
        fields, [name](const auto& field) { return field.field->name() == name; });
    return found == fields.end() ? nullptr : &*found;
  };
  if (find("typed_value") != nullptr) {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("{} has column {} as a shredded variant, which this program does "
                                  "not read",
                                  path_, Excerpt(column_)))
                    .With("column", Excerpt(column_))
                    .With("file", path_)
                    .With("type", TypeText(there)));
  }
  plan.kind = ColumnPlan::Kind::kStruct;
  for (const std::string_view name : {"metadata", "value"}) {
    const auto* const field = find(name);
    if (field == nullptr || !field->is_leaf()) return Misfit(variant, there);
    DELTALAKEDB_ASSIGN(plan.children.emplace_back(),
                       Plan(DataType::Simple(TypeKind::kBinary), field));
  }
  return {};
}

Result<void> ColumnPlanner::PlanNested(const DataType& type, ColumnPlan& plan) {
  const FileSchema::Field& source = *plan.source;
  const arrow::DataType& there = StorageTypeOf(*source.field->type());
  const auto plan_child = [&](const DataType& child_type, const FileSchema::Field& child,
                              std::string_view step) -> Result<void> {
    const std::size_t length = column_.size();
    column_ += step;
    DELTALAKEDB_ASSIGN(plan.children.emplace_back(), Plan(child_type, &child));
    column_.resize(length);
    Touch(child);
    return {};
  };
  if (type.kind() == TypeKind::kMap) {
    if (there.id() != arrow::Type::MAP || source.children.size() != 1 ||
        source.children.front().children.size() != 2) {
      return Misfit(type, there);
    }
    plan.kind = ColumnPlan::Kind::kMap;
    const FileSchema::Group& entry = source.children.front().children;
    DELTALAKEDB_TRY(plan_child(type.key(), entry.front(), ".key"));
    return plan_child(type.value(), entry.back(), ".value");
  }
  const bool is_list = there.id() == arrow::Type::LIST;
  if ((!is_list && !arrow::is_list_like(there.id()) && !arrow::is_list_view(there.id())) ||
      there.id() == arrow::Type::MAP || source.children.size() != 1) {
    return Misfit(type, there);
  }
  plan.kind = ColumnPlan::Kind::kList;
  plan.is_other_list = !is_list;
  return plan_child(type.element(), source.children.front(), ".element");
}

void ColumnPlanner::Touch(const FileSchema::Field& field) {
  if (IsRead(field)) return;
  const int leaf = FirstLeafOf(field);
  if (leaf >= 0) leaves_.insert(leaf);
}

bool ColumnPlanner::IsRead(const FileSchema::Field& field) const {
  if (field.is_leaf()) return leaves_.contains(field.column_index);
  return std::ranges::any_of(field.children, [this](const auto& child) { return IsRead(child); });
}

int ColumnPlanner::PositionIn(const FileSchema::Group& group, const FileSchema::Field& field) {
  std::vector<int>& positions = positions_[&group];
  if (positions.empty()) {
    positions.reserve(group.size());
    int next = 0;
    for (const FileSchema::Field& each : group) positions.push_back(IsRead(each) ? next++ : -1);
  }
  return positions.at(static_cast<std::size_t>(&field - group.data()));
}

void ColumnPlanner::Locate(ColumnPlan& plan) {
  if (plan.source == nullptr) return;
  plan.position = PositionIn(file_.columns(), *plan.source);
  LocateChildren(plan);
}

void ColumnPlanner::LocateChildren(ColumnPlan& plan) {
  for (ColumnPlan& child : plan.children) {
    if (child.source == nullptr) continue;
    if (plan.kind == ColumnPlan::Kind::kStruct) {
      child.position = PositionIn(plan.source->children, *child.source);
    }
    LocateChildren(child);
  }
}

}  // namespace deltalakedb::data
