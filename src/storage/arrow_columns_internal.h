// Reading Arrow arrays of whichever physical type a writer chose: checkpoints hold strings as utf8,
// binary, dictionary or view arrays, and integers of any width.
//
// A column built from an absent child answers null everywhere.
#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb::storage {

// Whether a text is UTF-8, which Parquet promises of its strings and nobody checks.
bool IsUtf8(std::string_view text);

class TextColumn {
 public:
  TextColumn() = default;
  // Errors: Corrupt when the array does not hold text, or some that is not UTF-8; `name` is for the
  // message.
  static Result<TextColumn> Make(const arrow::Array* array, std::string_view name);

  std::optional<std::string_view> at(std::int64_t row) const;

 private:
  enum class Kind { kAbsent, kBinary, kLargeBinary, kView, kDictionary };
  Kind kind_ = Kind::kAbsent;
  const arrow::Array* array_ = nullptr;
  std::shared_ptr<TextColumn> dictionary_;
  std::shared_ptr<arrow::Array> dictionary_values_;
};

class IntColumn {
 public:
  IntColumn() = default;
  static Result<IntColumn> Make(const arrow::Array* array, std::string_view name);

  std::optional<std::int64_t> at(std::int64_t row) const;

 private:
  const arrow::Array* array_ = nullptr;
};

class BoolColumn {
 public:
  BoolColumn() = default;
  static Result<BoolColumn> Make(const arrow::Array* array, std::string_view name);

  std::optional<bool> at(std::int64_t row) const;

 private:
  const arrow::BooleanArray* array_ = nullptr;
};

// The elements [begin, end) of the children that belong to one row of a list or map.
struct ElementRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

class MapColumn {
 public:
  MapColumn() = default;
  static Result<MapColumn> Make(const arrow::Array* array, std::string_view name);

  // nullopt for a null map.
  std::optional<ElementRange> at(std::int64_t row) const;
  const TextColumn& keys() const { return keys_; }
  const TextColumn& values() const { return values_; }

 private:
  const arrow::MapArray* array_ = nullptr;
  TextColumn keys_;
  TextColumn values_;
};

class TextListColumn {
 public:
  TextListColumn() = default;
  static Result<TextListColumn> Make(const arrow::Array* array, std::string_view name);

  std::optional<ElementRange> at(std::int64_t row) const;
  const TextColumn& elements() const { return elements_; }

 private:
  const arrow::Array* array_ = nullptr;
  TextColumn elements_;
};

// A struct array whose children are looked up by name. Owns the children it gives out.
class StructColumn {
 public:
  StructColumn() = default;
  static Result<StructColumn> Make(const arrow::Array* array, std::string_view name);

  bool is_absent() const { return array_ == nullptr; }
  bool is_null(std::int64_t row) const { return array_ == nullptr || array_->IsNull(row); }
  // Null when there is no such child.
  const arrow::Array* child(std::string_view name) const;
  const std::string& name() const { return name_; }

  // A typed column over a child: Column<TextColumn>("path").
  template <typename T>
  Result<T> Column(std::string_view child_name) const {
    return T::Make(child(child_name), name_ + "." + std::string(child_name));
  }

 private:
  const arrow::StructArray* array_ = nullptr;
  std::string name_;
};

}  // namespace deltalakedb::storage
