#include "table/incoming_rows.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"
#include "base/try.h"
#include "data/row_stream.h"

namespace deltalakedb::table {

namespace {

using ArrayResult = Result<std::shared_ptr<arrow::Array>>;
using arrow::Type;

constexpr std::string_view kCurrentDefault = "CURRENT_DEFAULT";

std::unexpected<Error> Misfit(const std::string& column, const arrow::DataType& from,
                              const arrow::DataType& to, std::string_view why = {}) {
  return Fail(
      Error(ErrorCode::kInvalidArgument,
            fmt::format("column {} has values of type {}, which do not fit the table's {}{}{}",
                        column, from.ToString(), to.ToString(), why.empty() ? "" : ": ", why))
          .With("column", column));
}

bool IsText(Type::type type) {
  return type == Type::STRING || type == Type::LARGE_STRING || type == Type::STRING_VIEW;
}
bool IsBytes(Type::type type) {
  return type == Type::BINARY || type == Type::LARGE_BINARY || type == Type::BINARY_VIEW ||
         type == Type::FIXED_SIZE_BINARY;
}

// Whether values of one type may be cast to the other; the cast itself sees whether each fits.
bool MayCast(const arrow::DataType& from, const arrow::DataType& to) {
  const Type::type a = from.id();
  const Type::type b = to.id();
  if (a == b) return true;
  if (arrow::is_integer(a)) {
    return arrow::is_integer(b) || arrow::is_floating(b) || arrow::is_decimal(b);
  }
  if (arrow::is_floating(a)) {
    return arrow::is_floating(b) && arrow::bit_width(a) <= arrow::bit_width(b);
  }
  if (arrow::is_decimal(a)) return arrow::is_decimal(b);
  if (IsText(a)) return IsText(b);
  if (IsBytes(a)) return IsBytes(b);
  if (a == Type::DATE64) return b == Type::DATE32;
  return false;
}

ArrayResult CastValues(const std::shared_ptr<arrow::Array>& values,
                       const std::shared_ptr<arrow::DataType>& type, const std::string& column) {
  if (values->type()->id() == Type::TIMESTAMP && type->id() == Type::TIMESTAMP) {
    const auto& from = static_cast<const arrow::TimestampType&>(*values->type());
    const auto& to = static_cast<const arrow::TimestampType&>(*type);
    // A moment has a wall clock time only by a zone, which nobody has said.
    if (!from.timezone().empty() && to.timezone().empty()) {
      return Misfit(column, from, to, "a moment is no wall clock time; cast it first");
    }
  }
  if (!MayCast(*values->type(), *type)) return Misfit(column, *values->type(), *type);
  arrow::compute::CastOptions options = arrow::compute::CastOptions::Safe(type);
  options.allow_time_truncate = true;  // nanoseconds, which Delta does not have
  auto cast = arrow::compute::Cast(*values, type, options);
  if (!cast.ok()) return Misfit(column, *values->type(), *type, cast.status().message());
  return *std::move(cast);
}

ArrayResult Convert(std::shared_ptr<arrow::Array> values,
                    const std::shared_ptr<arrow::DataType>& type, const std::string& column);

// Nested arrays are taken apart by their children, which a slice leaves whole.
ArrayResult WithoutOffset(std::shared_ptr<arrow::Array> values) {
  if (values->offset() == 0) return values;
  auto copied = arrow::Concatenate({values});
  if (!copied.ok()) return Fail(data::ToError(copied.status()));
  return *std::move(copied);
}

ArrayResult ConvertStruct(const std::shared_ptr<arrow::Array>& values,
                          const std::shared_ptr<arrow::DataType>& type, const std::string& column) {
  const auto& from = static_cast<const arrow::StructArray&>(*values);
  std::vector<bool> is_used(static_cast<std::size_t>(from.num_fields()), false);
  arrow::ArrayVector children;
  for (const auto& field : type->fields()) {
    std::shared_ptr<arrow::Array> child;
    for (int i = 0; i < from.num_fields(); ++i) {
      if (!base::IsSameName(from.type()->field(i)->name(), field->name())) continue;
      child = from.field(i);
      is_used[static_cast<std::size_t>(i)] = true;
    }
    if (child == nullptr) {
      auto nulls = arrow::MakeArrayOfNull(field->type(), values->length());
      if (!nulls.ok()) return Fail(data::ToError(nulls.status()));
      children.push_back(*std::move(nulls));
      continue;
    }
    DELTALAKEDB_ASSIGN(child,
                       Convert(std::move(child), field->type(), column + '.' + field->name()));
    children.push_back(std::move(child));
  }
  if (const auto unused = std::ranges::find(is_used, false); unused != is_used.end()) {
    const auto index = static_cast<int>(unused - is_used.begin());
    return Misfit(column, *values->type(), *type,
                  "the table has no field " + from.type()->field(index)->name());
  }
  return std::make_shared<arrow::StructArray>(type, values->length(), std::move(children),
                                              values->null_bitmap(), values->null_count());
}

ArrayResult ConvertList(const std::shared_ptr<arrow::Array>& values,
                        const std::shared_ptr<arrow::DataType>& type, const std::string& column) {
  std::shared_ptr<arrow::Array> list = values;
  if (list->type_id() != Type::LIST) {
    const auto plain = arrow::list(list->type()->field(0));
    auto cast = arrow::compute::Cast(*list, plain);
    if (!cast.ok()) return Misfit(column, *values->type(), *type, cast.status().message());
    list = *std::move(cast);
    DELTALAKEDB_ASSIGN(list, WithoutOffset(std::move(list)));
  }
  const auto& from = static_cast<const arrow::ListArray&>(*list);
  DELTALAKEDB_ASSIGN(auto elements,
                     Convert(from.values(), type->field(0)->type(), column + ".element"));
  return std::make_shared<arrow::ListArray>(type, from.length(), from.value_offsets(),
                                            std::move(elements), from.null_bitmap(),
                                            from.null_count());
}

ArrayResult ConvertMap(const std::shared_ptr<arrow::Array>& values,
                       const std::shared_ptr<arrow::DataType>& type, const std::string& column) {
  const auto& from = static_cast<const arrow::MapArray&>(*values);
  const auto& to = static_cast<const arrow::MapType&>(*type);
  DELTALAKEDB_ASSIGN(auto keys, Convert(from.keys(), to.key_type(), column + ".key"));
  DELTALAKEDB_ASSIGN(auto items, Convert(from.items(), to.item_type(), column + ".value"));
  return std::make_shared<arrow::MapArray>(type, from.length(), from.value_offsets(),
                                           std::move(keys), std::move(items), from.null_bitmap(),
                                           from.null_count());
}

ArrayResult Convert(std::shared_ptr<arrow::Array> values,
                    const std::shared_ptr<arrow::DataType>& type, const std::string& column) {
  if (values->type_id() == Type::EXTENSION) {
    values = static_cast<const arrow::ExtensionArray&>(*values).storage();
  }
  if (values->type()->Equals(*type)) return values;
  if (values->type_id() == Type::NA) {
    auto nulls = arrow::MakeArrayOfNull(type, values->length());
    if (!nulls.ok()) return Fail(data::ToError(nulls.status()));
    return *std::move(nulls);
  }
  if (values->type_id() == Type::DICTIONARY) {
    const auto& plain = static_cast<const arrow::DictionaryType&>(*values->type()).value_type();
    auto cast = arrow::compute::Cast(*values, plain);
    if (!cast.ok()) return Misfit(column, *values->type(), *type, cast.status().message());
    return Convert(*std::move(cast), type, column);
  }
  const Type::type from = values->type_id();
  const bool is_list = from == Type::LIST || from == Type::LARGE_LIST ||
                       from == Type::FIXED_SIZE_LIST || from == Type::LIST_VIEW ||
                       from == Type::LARGE_LIST_VIEW;
  const bool is_nested =
      type->id() == Type::STRUCT || type->id() == Type::LIST || type->id() == Type::MAP;
  if (!is_nested) return CastValues(values, type, column);
  if (!(is_list && type->id() == Type::LIST) && from != type->id()) {
    return Misfit(column, *values->type(), *type);
  }
  DELTALAKEDB_ASSIGN(values, WithoutOffset(std::move(values)));
  if (type->id() == Type::STRUCT) return ConvertStruct(values, type, column);
  if (type->id() == Type::LIST) return ConvertList(values, type, column);
  return ConvertMap(values, type, column);
}

}  // namespace

Result<std::shared_ptr<IncomingRows>> IncomingRows::Make(
    std::shared_ptr<arrow::RecordBatchReader> rows,
    const std::shared_ptr<const data::TableShape>& shape) {
  if (const auto ready = arrow::compute::Initialize(); !ready.ok()) {
    return Fail(data::ToError(ready));
  }
  std::shared_ptr<IncomingRows> incoming(new IncomingRows());
  std::vector<int> source_of(shape->columns().size(), -1);
  const auto given = rows->schema();
  for (int i = 0; i < given->num_fields(); ++i) {
    const std::string& name = given->field(i)->name();
    const std::optional<int> position = shape->FindColumn(name);
    if (!position) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the rows have a column {}, which the table has not; leave it "
                                    "out, or let it be added by schema mode merge",
                                    name))
                      .With("column", name));
    }
    int& source = source_of[static_cast<std::size_t>(*position)];
    if (source >= 0) {
      return Fail(
          Error(ErrorCode::kInvalidArgument, fmt::format("the rows have the column {} twice", name))
              .With("column", name));
    }
    source = i;
  }
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < source_of.size(); ++i) {
    const Field& field = *shape->columns()[i].field;
    if (source_of[i] >= 0) {
      incoming->columns_.push_back(static_cast<int>(i));
      incoming->sources_.push_back(source_of[i]);
      fields.push_back(shape->arrow_schema()->field(static_cast<int>(i)));
    } else if (field.FindMetadata(kCurrentDefault) != nullptr) {
      return Fail(Error(ErrorCode::kUnsupported,
                        fmt::format("the rows lack the column {}, whose default value this program "
                                    "does not compute (allowColumnDefaults); bring its values",
                                    field.name()))
                      .With("features", "allowColumnDefaults")
                      .With("column", field.name()));
    }
  }
  incoming->schema_ = arrow::schema(std::move(fields));
  incoming->rows_ = std::move(rows);
  return incoming;
}

Result<std::shared_ptr<arrow::RecordBatch>> IncomingRows::NextRows() {
  std::shared_ptr<arrow::RecordBatch> batch;
  do {
    if (const auto read = rows_->ReadNext(&batch); !read.ok()) return Fail(data::ToError(read));
    if (batch == nullptr) return batch;
  } while (batch->num_rows() == 0);
  arrow::ArrayVector columns;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& field = schema_->field(static_cast<int>(i));
    DELTALAKEDB_ASSIGN(auto column,
                       Convert(batch->column(sources_[i]), field->type(), field->name()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns));
}

arrow::Status IncomingRows::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  auto batch = NextRows();
  if (!batch) return data::ToStatus(std::move(batch).error());
  *out = *std::move(batch);
  return arrow::Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> IncomingRows::WithAllColumns(
    const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<int>& columns,
    const data::TableShape& shape) {
  if (columns.size() == shape.columns().size()) return rows;
  arrow::ArrayVector all(shape.columns().size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    all[static_cast<std::size_t>(columns[i])] = rows->column(static_cast<int>(i));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] != nullptr) continue;
    const auto& type = shape.arrow_schema()->field(static_cast<int>(i))->type();
    auto nulls = arrow::MakeArrayOfNull(type, rows->num_rows());
    if (!nulls.ok()) return Fail(data::ToError(nulls.status()));
    all[i] = *std::move(nulls);
  }
  return arrow::RecordBatch::Make(shape.arrow_schema(), rows->num_rows(), std::move(all));
}

}  // namespace deltalakedb::table
