#include <arrow/array.h>
#include <arrow/array/array_dict.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

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

bool IsAscii(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::uint64_t bits = 0;
  for (; text.size() >= sizeof(bits); text.remove_prefix(sizeof(bits))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof(word));
    bits |= word;
  }
  return (bits & kHighBits) == 0 &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

template <typename BinaryArray>
bool HoldsUtf8(const BinaryArray& array) {
  // All values lie one after another, which mostly settles it at once. Where some character is not
  // ASCII it matters that none is cut in two.
  if (array.length() == 0) return true;
  const auto begin = array.value_offset(0);
  const auto end = array.value_offset(array.length());
  if (begin == end) return true;
  if (IsAscii({reinterpret_cast<const char*>(array.raw_data()) + begin,
               static_cast<std::size_t>(end - begin)})) {
    return true;
  }
  for (std::int64_t row = 0; row < array.length(); ++row) {
    if (!array.IsNull(row) && !IsUtf8(array.GetView(row))) return false;
  }
  return true;
}

bool HoldsUtf8(const arrow::BinaryViewArray& array) {
  for (std::int64_t row = 0; row < array.length(); ++row) {
    if (!array.IsNull(row) && !IsUtf8(array.GetView(row))) return false;
  }
  return true;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  static const bool is_ready = [] {
    arrow::util::InitializeUTF8();
    return true;
  }();
  return is_ready && arrow::util::ValidateUTF8(text);
}

Result<TextColumn> TextColumn::Make(const arrow::Array* array, std::string_view name) {
  TextColumn column;
  if (array == nullptr) return column;
  column.array_ = array;
  bool is_utf8 = true;
  switch (array->type_id()) {
    case arrow::Type::NA:
      column.kind_ = Kind::kAbsent;
      break;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      column.kind_ = Kind::kBinary;
      is_utf8 = HoldsUtf8(As<arrow::BinaryArray>(array));
      break;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      column.kind_ = Kind::kLargeBinary;
      is_utf8 = HoldsUtf8(As<arrow::LargeBinaryArray>(array));
      break;
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      column.kind_ = Kind::kView;
      is_utf8 = HoldsUtf8(As<arrow::BinaryViewArray>(array));
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
  if (!is_utf8) {
    return Fail(ErrorCode::kCorrupt, fmt::format("column {} has text that is not UTF-8", name));
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
