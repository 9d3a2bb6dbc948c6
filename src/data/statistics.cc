#include <arrow/array/array_nested.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <algorithm>
#include <string_view>

#include "data/leaf_statistics_internal.h"
#include "data/statistics_internal.h"
#include "protocol/action_writer.h"
#include "protocol/number_text.h"
#include "protocol/string_bounds.h"

namespace deltalakedb::data {

namespace {

using protocol::JsonWriter;

class PlanMaker {
 public:
  PlanMaker(const TableShape& shape, StatsPlan& plan) : shape_(shape), plan_(plan) {}

  // Those of `wanted` among `fields`.
  std::vector<StatsColumn> Make(const std::vector<protocol::StatsField>& wanted,
                                const std::vector<Field>& fields) {
    std::vector<StatsColumn> columns;
    for (const protocol::StatsField& field : wanted) {
      const auto found = std::ranges::find_if(
          fields, [&](const Field& other) { return shape_.PhysicalName(other) == field.name; });
      if (found == fields.end()) continue;
      StatsColumn& column = columns.emplace_back();
      column.name = field.name;
      column.position = static_cast<int>(found - fields.begin());
      if (field.type) {
        column.leaf = plan_.leaves.size();
        column.has_bounds = HasWrittenBounds(*field.type);
        plan_.leaves.push_back(*field.type);
      } else {
        column.fields = Make(field.fields, found->type().fields());
        column.has_bounds = std::ranges::any_of(column.fields, &StatsColumn::has_bounds);
      }
    }
    return columns;
  }

 private:
  const TableShape& shape_;
  StatsPlan& plan_;
};

// Writes an object with what `json` says of each leaf, structs as objects in it; what is empty has
// no key, as Spark leaves nulls out.
template <typename Json>
void WriteLeaves(const std::vector<StatsColumn>& columns, const Json& json, JsonWriter& writer) {
  writer.StartObject();
  for (const StatsColumn& column : columns) {
    if (!column.fields.empty()) {
      if (!json.Enters(column)) continue;
      protocol::WriteKey(column.name, writer);
      WriteLeaves(column.fields, json, writer);
      continue;
    }
    const std::string value = json.Of(column);
    if (value.empty()) continue;
    protocol::WriteKey(column.name, writer);
    protocol::WriteRaw(value, writer);
  }
  writer.EndObject();
}

using Leaves = std::vector<std::unique_ptr<LeafStatistics>>;

struct BoundJson {
  const Leaves& leaves;
  std::string (LeafStatistics::*bound)() const;

  static bool Enters(const StatsColumn& column) { return column.has_bounds; }
  std::string Of(const StatsColumn& column) const {
    return column.has_bounds ? ((*leaves[column.leaf]).*bound)() : std::string();
  }
};

struct NullCountJson {
  const Leaves& leaves;

  static bool Enters(const StatsColumn&) { return true; }
  std::string Of(const StatsColumn& column) const {
    return std::to_string(leaves[column.leaf]->null_count);
  }
};

std::size_t PrefixLength(const Metadata& metadata) {
  const auto set = metadata.configuration.find("delta.dataSkippingStringPrefixLength");
  const auto length = set == metadata.configuration.end()
                          ? std::nullopt
                          : protocol::ParseInt<std::int32_t>(set->second);
  return length && *length >= 0 ? static_cast<std::size_t>(*length)
                                : protocol::kStringPrefixLengthDefault;
}

}  // namespace

StatsPlan StatsPlan::Make(const Protocol& protocol, const Metadata& metadata,
                          const TableShape& shape) {
  StatsPlan plan;
  plan.prefix_length = PrefixLength(metadata);
  if (const auto columns = protocol::FindParsedColumns(protocol, metadata)) {
    plan.columns = PlanMaker(shape, plan).Make(columns->stats, shape.schema().fields());
    plan.with_tight_bounds = columns->with_tight_bounds;
  }
  return plan;
}

FileStatistics::FileStatistics(const StatsPlan& plan) : plan_(&plan) {
  leaves_.reserve(plan.leaves.size());
  for (const DataType& type : plan.leaves) {
    leaves_.push_back(MakeLeafStatistics(type, plan.prefix_length));
  }
}

arrow::Status FileStatistics::AddColumn(const StatsColumn& column, const arrow::Array& values) {
  if (column.fields.empty()) {
    leaves_[column.leaf]->Add(values);
    return arrow::Status::OK();
  }
  const auto& fields = static_cast<const arrow::StructArray&>(values);
  for (const StatsColumn& field : column.fields) {
    // With the nulls of the struct: its fields count as null where it is.
    ARROW_ASSIGN_OR_RAISE(const auto flat, fields.GetFlattenedField(field.position));
    ARROW_RETURN_NOT_OK(AddColumn(field, *flat));
  }
  return arrow::Status::OK();
}

arrow::Status FileStatistics::Add(const arrow::RecordBatch& rows) {
  num_rows_ += rows.num_rows();
  for (const StatsColumn& column : plan_->columns) {
    ARROW_RETURN_NOT_OK(AddColumn(column, *rows.column(column.position)));
  }
  return arrow::Status::OK();
}

std::string FileStatistics::ToJson() const {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  protocol::WriteKey("numRecords", writer);
  writer.Int64(num_rows_);
  protocol::WriteKey("minValues", writer);
  WriteLeaves(plan_->columns, BoundJson{leaves_, &LeafStatistics::MinJson}, writer);
  protocol::WriteKey("maxValues", writer);
  WriteLeaves(plan_->columns, BoundJson{leaves_, &LeafStatistics::MaxJson}, writer);
  protocol::WriteKey("nullCount", writer);
  WriteLeaves(plan_->columns, NullCountJson{leaves_}, writer);
  if (plan_->with_tight_bounds) {
    protocol::WriteKey("tightBounds", writer);
    writer.Bool(true);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace deltalakedb::data
