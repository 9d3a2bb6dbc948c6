#include <arrow/array.h>
#include <arrow/array/array_dict.h>
#include <fmt/format.h>

#include "base/try.h"
#include "storage/arrow_columns_internal.h"

namespace deltalakedb::storage {

namespace {

std::unexpected<Error> WrongType(const arrow::Array& array, std::string_view name,
                                 std::string_view expected) {
  return Fail(ErrorCode::kCorrupt, fmt::format("column {} has type {}, expected {}", name,
                                               array.type()->ToString(), expected));
}

template <typename T>
const T& As(const arrow::Array* array) {
  return static_cast<const T&>(*array);
}

}  // namespace

Result<TextColumn> TextColumn::Make(const arrow::Array* array, std::string_view name) {
  TextColumn column;
  if (array == nullptr) return column;
  column.array_ = array;
  switch (array->type_id()) {
    case arrow::Type::NA:
      column.kind_ = Kind::kAbsent;
      break;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      column.kind_ = Kind::kBinary;
      break;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      column.kind_ = Kind::kLargeBinary;
      break;
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      column.kind_ = Kind::kView;
      break;
    case arrow::Type::DICTIONARY: {
      column.kind_ = Kind::kDictionary;
      column.dictionary_values_ = As<arrow::DictionaryArray>(array).dictionary();
      if (column.dictionary_values_->type_id() == arrow::Type::DICTIONARY) {
        return WrongType(*array, name, "text");
      }
      DELTALAKEDB_ASSIGN(auto values, Make(column.dictionary_values_.get(), name));
      column.dictionary_ = std::make_shared<TextColumn>(std::move(values));
      break;
    }
    default:
      return WrongType(*array, name, "text");
  }
  return column;
}

std::optional<std::string_view> TextColumn::at(std::int64_t row) const {
  if (kind_ == Kind::kAbsent || array_->IsNull(row)) return std::nullopt;
  switch (kind_) {
    case Kind::kBinary:
      return As<arrow::BinaryArray>(array_).GetView(row);
    case Kind::kLargeBinary:
      return As<arrow::LargeBinaryArray>(array_).GetView(row);
    case Kind::kView:
      return As<arrow::BinaryViewArray>(array_).GetView(row);
    case Kind::kDictionary:
      return dictionary_->at(As<arrow::DictionaryArray>(array_).GetValueIndex(row));
    case Kind::kAbsent:
      break;
  }
  return std::nullopt;
}

Result<IntColumn> IntColumn::Make(const arrow::Array* array, std::string_view name) {
  IntColumn column;
  if (array == nullptr || array->type_id() == arrow::Type::NA) return column;
  if (!arrow::is_signed_integer(array->type_id()) && array->type_id() != arrow::Type::UINT8 &&
      array->type_id() != arrow::Type::UINT16 && array->type_id() != arrow::Type::UINT32) {
    return WrongType(*array, name, "an integer");
  }
  column.array_ = array;
  return column;
}

std::optional<std::int64_t> IntColumn::at(std::int64_t row) const {
  if (array_ == nullptr || array_->IsNull(row)) return std::nullopt;
  switch (array_->type_id()) {
    case arrow::Type::INT64:
      return As<arrow::Int64Array>(array_).Value(row);
    case arrow::Type::INT32:
      return As<arrow::Int32Array>(array_).Value(row);
    case arrow::Type::INT16:
      return As<arrow::Int16Array>(array_).Value(row);
    case arrow::Type::INT8:
      return As<arrow::Int8Array>(array_).Value(row);
    case arrow::Type::UINT32:
      return As<arrow::UInt32Array>(array_).Value(row);
    case arrow::Type::UINT16:
      return As<arrow::UInt16Array>(array_).Value(row);
    default:
      return As<arrow::UInt8Array>(array_).Value(row);
  }
}

Result<BoolColumn> BoolColumn::Make(const arrow::Array* array, std::string_view name) {
  BoolColumn column;
  if (array == nullptr || array->type_id() == arrow::Type::NA) return column;
  if (array->type_id() != arrow::Type::BOOL) return WrongType(*array, name, "boolean");
  column.array_ = &As<arrow::BooleanArray>(array);
  return column;
}

std::optional<bool> BoolColumn::at(std::int64_t row) const {
  if (array_ == nullptr || array_->IsNull(row)) return std::nullopt;
  return array_->Value(row);
}

Result<MapColumn> MapColumn::Make(const arrow::Array* array, std::string_view name) {
  MapColumn column;
  if (array == nullptr || array->type_id() == arrow::Type::NA) return column;
  if (array->type_id() != arrow::Type::MAP) return WrongType(*array, name, "a map");
  column.array_ = &As<arrow::MapArray>(array);
  DELTALAKEDB_ASSIGN(column.keys_, TextColumn::Make(column.array_->keys().get(), name));
  DELTALAKEDB_ASSIGN(column.values_, TextColumn::Make(column.array_->items().get(), name));
  return column;
}

std::optional<ElementRange> MapColumn::at(std::int64_t row) const {
  if (array_ == nullptr || array_->IsNull(row)) return std::nullopt;
  return ElementRange{array_->value_offset(row), array_->value_offset(row + 1)};
}

Result<TextListColumn> TextListColumn::Make(const arrow::Array* array, std::string_view name) {
  TextListColumn column;
  if (array == nullptr || array->type_id() == arrow::Type::NA) return column;
  const arrow::Array* elements = nullptr;
  if (array->type_id() == arrow::Type::LIST) {
    elements = As<arrow::ListArray>(array).values().get();
  } else if (array->type_id() == arrow::Type::LARGE_LIST) {
    elements = As<arrow::LargeListArray>(array).values().get();
  } else {
    return WrongType(*array, name, "a list");
  }
  column.array_ = array;
  DELTALAKEDB_ASSIGN(column.elements_, TextColumn::Make(elements, name));
  return column;
}

std::optional<ElementRange> TextListColumn::at(std::int64_t row) const {
  if (array_ == nullptr || array_->IsNull(row)) return std::nullopt;
  if (array_->type_id() == arrow::Type::LIST) {
    const auto& list = As<arrow::ListArray>(array_);
    return ElementRange{list.value_offset(row), list.value_offset(row + 1)};
  }
  const auto& list = As<arrow::LargeListArray>(array_);
  return ElementRange{list.value_offset(row), list.value_offset(row + 1)};
}

Result<StructColumn> StructColumn::Make(const arrow::Array* array, std::string_view name) {
  StructColumn column;
  column.name_ = name;
  if (array == nullptr || array->type_id() == arrow::Type::NA) return column;
  if (array->type_id() != arrow::Type::STRUCT) return WrongType(*array, name, "a struct");
  column.array_ = &As<arrow::StructArray>(array);
  return column;
}

const arrow::Array* StructColumn::child(std::string_view name) const {
  if (array_ == nullptr) return nullptr;
  const int index = array_->struct_type()->GetFieldIndex(std::string(name));
  // StructArray keeps the child it makes, so the pointer lives as long as the array.
  return index < 0 ? nullptr : array_->field(index).get();
}

}  // namespace deltalakedb::storage
