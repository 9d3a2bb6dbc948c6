// The rows of COPY in its binary form (PostgreSQL documentation, COPY, Binary Format), and values
// in their binary forms. Pure functions.
//
// Thread-safety: one object per thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "store/value.h"

namespace deltalakedb::store {

// The types of the schema's columns, by the numbers that pg_type gives them.
enum class PostgresType : std::uint32_t {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kUuid = 2950,
};

// A column of a row; `data` is null where SQL's NULL is.
struct PostgresField {
  const char* data = nullptr;
  std::size_t size = 0;
};

// The type of a list's elements, by the number of the list's type; nullopt for a type that no list
// of ours has.
std::optional<PostgresType> ElementOf(std::uint32_t list_type);
// One column of rows as a list in its binary form. Errors: Internal (a value that is not of that
// type).
Result<std::string> EncodeList(std::span<const Value> rows, std::size_t columns, std::size_t column,
                               PostgresType type);

// A field's integer (1, 2, 4 or 8 bytes, the highest first; also of a boolean); 0 for another size.
std::int64_t IntOf(const PostgresField& field);
// A field in the type of its column.
Value ValueOf(const PostgresField& field, PostgresType type);

// Writes rows.
class CopyEncoder {
 public:
  explicit CopyEncoder(std::vector<PostgresType> types);

  // Errors: Internal (a value that is not of its column's type).
  Result<void> AddRow(std::span<const Value> values);
  void Finish();
  // What is written and not taken yet.
  std::string_view bytes() const { return bytes_; }
  void Clear() { bytes_.clear(); }

 private:
  std::vector<PostgresType> types_;
  std::string bytes_;
};

// Reads rows out of the messages that a server sends, which hold whole rows.
class CopyDecoder {
 public:
  explicit CopyDecoder(std::size_t columns) : fields_(columns) {}

  // Starts on a message, which lives until the next call.
  void Take(std::string_view message) { left_ = message; }
  // Whether another row of the message stands in fields(). Errors: Io (not in that form).
  Result<bool> NextRow();
  std::span<const PostgresField> fields() const { return fields_; }

 private:
  bool has_header_ = false;
  std::string_view left_;
  std::vector<PostgresField> fields_;
};

}  // namespace deltalakedb::store
