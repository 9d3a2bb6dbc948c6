#include "formats/found_type.h"

#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "deltalakedb/schema.h"
#include "protocol/partition_value.h"

namespace deltalakedb::formats {

namespace {

constexpr std::size_t kDateLength = 10;  // of 2024-01-02

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view WithoutSign(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text;
}

template <typename T>
bool IsNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value = {};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size();
}

bool IsWord(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool IsOfKind(TypeKind kind, std::string_view text) {
  const DataType type = DataType::Simple(kind);
  return protocol::PartitionValue::Parse({"", type}, text).has_value();
}

}  // namespace

void FoundTextType::Note(std::string_view text) {
  has_any_ = true;
  const std::string_view digits = WithoutSign(text);
  const bool begins_with_digit = !digits.empty() && IsDigit(digits.front());
  const bool has_leading_zero = digits.size() > 1 && digits.front() == '0' && IsDigit(digits[1]);
  const bool may_be_number = begins_with_digit && !has_leading_zero;
  const bool is_whole = may_be_number && std::ranges::all_of(digits, IsDigit);
  has_digits_ = has_digits_ || begins_with_digit;
  may_be_boolean_ =
      may_be_boolean_ && IsWord(text, {"true", "false", "True", "False", "TRUE", "FALSE"});
  may_be_long_ = may_be_long_ && is_whole && IsNumber<std::int64_t>(text);
  may_be_decimal_ = may_be_decimal_ && is_whole && digits.size() <= kDecimalPrecisionMax;
  may_be_double_ = may_be_double_ && ((may_be_number && IsNumber<double>(text)) ||
                                      IsWord(text, {"NaN", "Infinity", "-Infinity"}));
  const bool may_be_moment = text.size() >= kDateLength && begins_with_digit;
  may_be_date_ = may_be_date_ && may_be_moment && IsOfKind(TypeKind::kDate, text);
  may_be_timestamp_ = may_be_timestamp_ && may_be_moment && IsOfKind(TypeKind::kTimestamp, text);
}

std::shared_ptr<arrow::DataType> FoundTextType::Type() const {
  if (!has_any_) return arrow::utf8();
  if (may_be_boolean_) return arrow::boolean();
  if (may_be_long_) return arrow::int64();
  if (may_be_decimal_) return arrow::decimal128(kDecimalPrecisionMax, 0);
  if (may_be_double_ && has_digits_) return arrow::float64();
  if (may_be_date_) return arrow::date32();
  if (may_be_timestamp_) return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  return arrow::utf8();
}

FoundJsonType& FoundJsonType::Member(std::string_view name) {
  const auto found = std::ranges::find(
      members_, name, [](const auto& member) -> std::string_view { return member.first; });
  if (found != members_.end()) return found->second;
  return members_.emplace_back(std::string(name), FoundJsonType()).second;
}

void FoundJsonType::Note(const protocol::JsonValue& value) {
  switch (value.kind()) {
    case protocol::JsonKind::kNull:
      return;
    case protocol::JsonKind::kBool:
      has_boolean_ = true;
      return;
    case protocol::JsonKind::kNumber:
      has_number_ = true;
      numbers_.Note(value.text());
      return;
    case protocol::JsonKind::kString:
      has_text_ = true;
      texts_.Note(*value.AsString());
      return;
    case protocol::JsonKind::kObject:
      has_object_ = true;
      value.ForEachMember([&](std::string_view name, const protocol::JsonValue& member) {
        Member(name).Note(member);
        return true;
      });
      return;
    case protocol::JsonKind::kArray:
      has_array_ = true;
      if (element_.empty()) element_.emplace_back();
      value.ForEachElement([&](const protocol::JsonValue& element) {
        element_.front().Note(element);
        return true;
      });
      return;
  }
}

std::shared_ptr<arrow::DataType> FoundJsonType::Type() const {
  if (has_object_) {
    arrow::FieldVector fields;
    for (const auto& [name, type] : members_) fields.push_back(arrow::field(name, type.Type()));
    return arrow::struct_(fields);
  }
  if (has_array_) return arrow::list(arrow::field("element", element_.front().Type()));
  if (has_text_) {
    const auto type = texts_.Type();
    const bool is_moment =
        type->id() == arrow::Type::DATE32 || type->id() == arrow::Type::TIMESTAMP;
    return is_moment ? type : arrow::utf8();
  }
  if (has_number_) {
    const auto type = numbers_.Type();
    return type->id() == arrow::Type::STRING ? arrow::float64() : type;
  }
  return has_boolean_ ? arrow::boolean() : arrow::utf8();
}

}  // namespace deltalakedb::formats
