// The types of columns that nobody tells, found out from the values of their first rows.
//
// Thread-safety: plain values.
#pragma once

#include <arrow/type_fwd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/result.h"
#include "protocol/json_document.h"

namespace deltalakedb::formats {

// So many rows are looked at, or so many bytes of them.
inline constexpr std::size_t kSampleRowsMax = 20'000;
inline constexpr std::size_t kSampleBytesMax = 16 * 1024 * 1024;

// What all texts of a column can be read as: boolean; long, where digits are more
// decimal(38,0), with fractions double; date; timestamp; else string. Numbers that begin with a
// zero which counts, such as postal codes, are texts.
class FoundTextType {
 public:
  void Note(std::string_view text);
  std::shared_ptr<arrow::DataType> Type() const;

 private:
  bool has_any_ = false;
  bool has_digits_ = false;
  bool may_be_boolean_ = true;
  bool may_be_long_ = true;
  bool may_be_decimal_ = true;
  bool may_be_double_ = true;
  bool may_be_date_ = true;
  bool may_be_timestamp_ = true;
};

// The same of JSON, whose values say more: texts are string, date or timestamp, objects become
// structs and arrays lists. Values of several kinds do not go together: the reading tells.
class FoundJsonType {
 public:
  void Note(const protocol::JsonValue& value);
  std::shared_ptr<arrow::DataType> Type() const;
  // The members of the objects so far, in the order in which they came first.
  const std::vector<std::pair<std::string, FoundJsonType>>& members() const { return members_; }

 private:
  FoundJsonType& Member(std::string_view name);

  bool has_text_ = false;
  bool has_number_ = false;
  bool has_boolean_ = false;
  bool has_object_ = false;
  bool has_array_ = false;
  FoundTextType texts_;
  FoundTextType numbers_;
  std::vector<std::pair<std::string, FoundJsonType>> members_;
  std::vector<FoundJsonType> element_;  // one at most
};

}  // namespace deltalakedb::formats
