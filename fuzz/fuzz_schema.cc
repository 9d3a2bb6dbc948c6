// Input: a schemaString.
#include <vector>

#include "check.h"
#include "deltalakedb/schema.h"

namespace {

using deltalakedb::DataType;
using deltalakedb::Field;
using deltalakedb::Schema;
using deltalakedb::TypeKind;

std::size_t CountFields(const DataType& type) {
  std::size_t fields = type.fields().size();
  for (const Field& field : type.fields()) fields += CountFields(field.type());
  if (type.kind() == TypeKind::kArray) fields += CountFields(type.element());
  if (type.kind() == TypeKind::kMap) fields += CountFields(type.key()) + CountFields(type.value());
  return fields;
}

void CheckParsed(const Schema& schema) {
  const std::string json = schema.ToJson();
  const auto again = Schema::Parse(json);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(*again == schema);
  FUZZ_CHECK(again->ToJson() == json);
  FUZZ_CHECK(again->type().ToText() == schema.type().ToText());
  FUZZ_CHECK(CountFields(schema.type()) <= deltalakedb::kSchemaFieldsMax);

  for (const auto& leaf : schema.LeafColumns()) {
    std::vector<std::string_view> path;
    for (const Field* const field : leaf.path) path.push_back(field->name());
    FUZZ_CHECK(schema.FindField(path) == &leaf.field());
    FUZZ_CHECK(leaf.field().type().kind() != TypeKind::kStruct);
    for (const auto& [key, value] : leaf.field().metadata()) {
      FUZZ_CHECK(leaf.field().FindMetadata(key) == &value);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto schema = Schema::Parse(deltalakedb::fuzz::AsText(data, size));
  if (schema) {
    CheckParsed(*schema);
  } else {
    const deltalakedb::Error& error = schema.error();
    FUZZ_CHECK(error.code() == deltalakedb::ErrorCode::kCorrupt ||
               error.code() == deltalakedb::ErrorCode::kLimitExceeded);
    FUZZ_CHECK(!error.message().empty() && !error.facts().empty());
  }
  return 0;
}
