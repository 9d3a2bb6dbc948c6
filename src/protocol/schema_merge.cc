#include "protocol/schema_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/ascii_case.h"
#include "base/try.h"
#include "protocol/column_changes.h"
#include "protocol/schema_rules.h"

namespace deltalakedb::protocol {

namespace {

// Keeps members in their order.
using Json = nlohmann::ordered_json;

// Takes fields of one type into the other's; both come from schemas that were parsed.
class Merger {
 public:
  explicit Merger(const MergeOptions& options) : options_(options) {}

  Result<void> MergeFields(const std::string& path, Json& fields, const Json& more) {
    for (const Json& field : more) {
      const std::string name = field.at("name").get<std::string>();
      const std::string column = path.empty() ? name : path + '.' + name;
      const auto same = std::ranges::find_if(fields, [&](const Json& other) {
        return base::IsSameName(other.at("name").get_ref<const std::string&>(), name);
      });
      if (same != fields.end()) {
        DELTALAKEDB_TRY(MergeField(column, *same, field));
        continue;
      }
      fields.push_back(field);
      fields.back()["nullable"] = true;
      if (!fields.back().contains("metadata")) fields.back()["metadata"] = Json::object();
    }
    return {};
  }

 private:
  Result<void> MergeField(const std::string& column, Json& field, const Json& more) {
    Json& type = field.at("type");
    const Json& more_type = more.at("type");
    if (type.is_object() && more_type.is_object()) return MergeTypes(column, type, more_type);
    if (options_.must_be_new) {
      return Fail(Error(ErrorCode::kInvalidArgument,
                        fmt::format("the table has a column {} already", column))
                      .With("column", column));
    }
    if (options_.may_widen && type.is_string() && more_type.is_string() &&
        IsWideningOf(type.get<std::string>(), more_type.get<std::string>())) {
      field["metadata"][std::string(kTypeChanges)].push_back(
          {{"toType", more_type}, {"fromType", type}});
      type = more_type;
    }
    return {};
  }

  Result<void> MergeTypes(const std::string& column, Json& type, const Json& more) {
    if (type.value("type", "") != more.value("type", "")) return {};
    if (type.contains("fields")) return MergeFields(column, type["fields"], more.at("fields"));
    for (const auto& [member, step] :
         {std::pair("elementType", ".element"), std::pair("keyType", ".key"),
          std::pair("valueType", ".value")}) {
      if (!type.contains(member) || !type[member].is_object() || !more.contains(member) ||
          !more.at(member).is_object()) {
        continue;
      }
      DELTALAKEDB_TRY(MergeTypes(column + step, type[member], more.at(member)));
    }
    return {};
  }

  const MergeOptions& options_;
};

}  // namespace

Result<std::string> MergeSchemas(std::string_view schema_json, std::string_view more_json,
                                 const MergeOptions& options) {
  DELTALAKEDB_TRY(Schema::Parse(schema_json));
  DELTALAKEDB_TRY(ParseNewSchema(more_json));
  Json schema = Json::parse(schema_json);
  const Json more = Json::parse(more_json);
  DELTALAKEDB_TRY(Merger(options).MergeFields("", schema.at("fields"), more.at("fields")));
  return schema.dump();
}

}  // namespace deltalakedb::protocol
