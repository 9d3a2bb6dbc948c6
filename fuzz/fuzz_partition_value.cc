// Input: a line with the name of a type, then the text of a partition value of that type.
#include <optional>
#include <string>

#include "check.h"
#include "deltalakedb/schema.h"
#include "protocol/partition_value.h"

namespace {

using deltalakedb::ErrorCode;
using deltalakedb::Schema;
using deltalakedb::protocol::PartitionColumn;
using deltalakedb::protocol::PartitionValue;

std::optional<Schema> MakeSchema(std::string_view type) {
  for (const char c : type) {
    if (c == '"' || c == '\\') return std::nullopt;
  }
  auto schema = Schema::Parse(R"({"type":"struct","fields":[{"name":"p","type":")" +
                              std::string(type) + R"("}]})");
  if (!schema) return std::nullopt;
  return *std::move(schema);
}

void CheckValue(const PartitionColumn& column, const PartitionValue& value, std::string_view text) {
  FUZZ_CHECK(value.kind() == column.type.kind());
  FUZZ_CHECK(value.is_null() == text.empty());
  const std::optional<std::string> normal = value.NormalText();
  FUZZ_CHECK(normal.has_value() != value.is_null());
  FUZZ_CHECK(value == value);
  if (!normal) return;
  FUZZ_CHECK(!normal->empty());
  const auto again = PartitionValue::Parse(column, *normal);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(*again == value);
  FUZZ_CHECK(again->NormalText() == normal);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = deltalakedb::fuzz::AsText(data, size);
  const std::optional<Schema> schema = MakeSchema(deltalakedb::fuzz::TakeLine(text));
  if (!schema) return 0;
  const PartitionColumn column{.name = "p", .type = schema->fields().front().type()};
  const auto value = PartitionValue::Parse(column, text);
  if (value) {
    CheckValue(column, *value, text);
  } else {
    const ErrorCode code = value.error().code();
    FUZZ_CHECK(code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported);
    FUZZ_CHECK(value.error().FindFact("text") != nullptr);
  }
  return 0;
}
