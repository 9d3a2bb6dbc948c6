#include "txn/first_version.h"

#include <rapidjson/stringbuffer.h>

#include <utility>

#include "base/try.h"
#include "protocol/action_shape.h"
#include "protocol/action_writer.h"
#include "protocol/commit_body.h"
#include "protocol/staged_actions.h"
#include "protocol/table_rules.h"
#include "txn/commit_id.h"
#include "txn/rebase.h"

namespace deltalakedb::txn {

namespace {

using protocol::JsonWriter;
using protocol::WriteKey;

constexpr std::string_view kOperation = "CREATE TABLE";

std::string Finish(const rapidjson::StringBuffer& buffer) {
  return {buffer.GetString(), buffer.GetSize()};
}

// Texts of JSON as a text, as Spark has them in operationParameters.
template <typename Write>
std::string JsonOf(Write write) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  write(writer);
  return Finish(buffer);
}

// Spark's parameters of CREATE TABLE.
std::string ParametersOf(const Metadata& metadata) {
  const std::string columns = JsonOf([&](JsonWriter& writer) {
    writer.StartArray();
    for (const std::string& name : metadata.partition_columns) protocol::WriteText(name, writer);
    writer.EndArray();
  });
  const std::string properties =
      JsonOf([&](JsonWriter& writer) { protocol::WriteStringMap(metadata.configuration, writer); });
  return JsonOf([&](JsonWriter& writer) {
    const auto text = [&](std::string_view key, std::string_view value) {
      WriteKey(key, writer);
      protocol::WriteText(value, writer);
    };
    writer.StartObject();
    text("partitionBy", columns);
    text("clusterBy", "[]");
    WriteKey("description", writer);
    if (metadata.description) {
      protocol::WriteText(*metadata.description, writer);
    } else {
      writer.Null();
    }
    text("isManaged", "false");
    text("properties", properties);
    writer.EndObject();
  });
}

}  // namespace

Result<TablePlan> PlanTable(const NewTable& table) {
  DELTALAKEDB_TRY(CheckCommitId(table.commit_id));
  TablePlan plan{TableId::MakeRandom(),
                 table.commit_id.empty() ? TableId::MakeRandom().ToString() : table.commit_id,
                 {}};
  const auto make_uuid = [] { return TableId::MakeRandom().ToString(); };
  DELTALAKEDB_ASSIGN(plan.definition,
                     protocol::DefineTable({table.schema_json, table.partition_columns,
                                            table.properties, std::nullopt, table.description},
                                           make_uuid));
  plan.definition.metadata.id = plan.table_id.ToString();
  return plan;
}

Result<FirstBody> MakeFirstBody(const TablePlan& plan, Timestamp now,
                                const std::string& table_root) {
  Metadata metadata = plan.definition.metadata;
  metadata.created_time = now.ms();
  protocol::CommitInfoFields info;
  info.timestamp = now;
  info.operation = kOperation;
  info.operation_parameters = ParametersOf(metadata);
  info.is_blind_append = true;
  info.engine_info = kEngineInfo;
  info.txn_id = plan.commit_id;
  FirstBody body;
  body.has_in_commit_timestamp = EnablesInCommitTimestamps(nullptr, metadata);
  if (body.has_in_commit_timestamp) info.in_commit_timestamp = now;
  protocol::StagedActions staged;
  DELTALAKEDB_TRY(staged.Append(plan.definition.protocol));
  DELTALAKEDB_TRY(staged.Append(std::move(metadata)));
  DELTALAKEDB_TRY(protocol::CheckShape(staged, table_root));
  DELTALAKEDB_TRY(protocol::CheckAgainst(staged, nullptr));
  DELTALAKEDB_ASSIGN(const auto made, protocol::CommitBody::Make(staged, info));
  body.text = made.Text();
  return body;
}

}  // namespace deltalakedb::txn
