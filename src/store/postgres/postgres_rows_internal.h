// Values as libpq takes them, and rows as it gives them.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "store/connection.h"
#include "store/postgres/postgres_copy.h"
#include "store/postgres/postgres_session.h"
#include "store/value.h"

namespace deltalakedb::store {

// Parameters as libpq takes them. Integers go as text, of which the server makes the type it needs;
// texts and bytes as they are.
class BoundValues {
 public:
  explicit BoundValues(std::span<const Value> parameters) {
    numbers_.reserve(parameters.size());
    for (const Value& value : parameters) Add(value);
  }
  int count() const { return static_cast<int>(values_.size()); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void Add(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      numbers_.push_back(std::to_string(*number));
      Push(numbers_.back().c_str(), 0, 0);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      Push(text->empty() ? "" : text->data(), static_cast<int>(text->size()), 1);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      Push(blob->bytes.empty() ? "" : blob->bytes.data(), static_cast<int>(blob->bytes.size()), 1);
    } else {
      Push(nullptr, 0, 1);
    }
  }
  void Push(const char* value, int length, int format) {
    values_.push_back(value);
    lengths_.push_back(length);
    formats_.push_back(format);
  }
  std::vector<std::string> numbers_;  // reserved, so that its texts stay where they are
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

// What the server says of a statement's parameters and columns.
struct Description {
  std::vector<PostgresType> parameters;
  std::vector<PostgresType> columns;
  std::vector<std::string> names;
};

// The fields of the current row behind Cursor.
class FieldsCursor : public Cursor {
 public:
  int column_count() const override { return static_cast<int>(fields_.size()); }
  bool IsNull(int column) const override { return At(column).data == nullptr; }
  std::int64_t Int(int column) const override { return IntOf(At(column)); }
  std::string_view Text(int column) const override { return Bytes(column); }
  std::string_view Bytes(int column) const override {
    const PostgresField& field = At(column);
    return field.data == nullptr ? std::string_view() : std::string_view(field.data, field.size);
  }
  Value Get(int column) const override { return ValueOf(At(column), TypeOf(column)); }

 protected:
  virtual PostgresType TypeOf(int column) const = 0;
  const PostgresField& At(int column) const { return fields_[static_cast<std::size_t>(column)]; }

  std::span<const PostgresField> fields_;
};

// Rows that are all in memory, in results that follow each other.
class ResultCursor : public FieldsCursor {
 public:
  explicit ResultCursor(PostgresResult result) { Replace(std::move(result)); }

  std::string_view column_name(int column) const override {
    const char* const name = PQfname(result_.get(), column);
    return name == nullptr ? "" : name;
  }
  Result<bool> Next() override {
    if (row_ + 1 >= PQntuples(result_.get())) return false;
    ++row_;
    for (int i = 0; i < static_cast<int>(row_fields_.size()); ++i) {
      PostgresField& field = row_fields_[static_cast<std::size_t>(i)];
      const bool is_null = PQgetisnull(result_.get(), row_, i) != 0;
      field = {is_null ? nullptr : PQgetvalue(result_.get(), row_, i),
               static_cast<std::size_t>(PQgetlength(result_.get(), row_, i))};
    }
    return true;
  }

 protected:
  PostgresType TypeOf(int column) const override {
    return static_cast<PostgresType>(PQftype(result_.get(), column));
  }
  void Replace(PostgresResult result) {
    result_ = std::move(result);
    row_ = -1;
    row_fields_.assign(static_cast<std::size_t>(PQnfields(result_.get())), {});
    fields_ = row_fields_;
  }
  const PGresult* result() const { return result_.get(); }

 private:
  PostgresResult result_;
  int row_ = -1;
  std::vector<PostgresField> row_fields_;
};

}  // namespace deltalakedb::store
