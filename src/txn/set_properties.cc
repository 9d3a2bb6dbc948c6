// SetTableProperties: a commit of metaData, and of a protocol where one is needed.
#include <rapidjson/stringbuffer.h>

#include <memory>
#include <utility>

#include "base/try.h"
#include "deltalakedb/create.h"
#include "log/transaction_log.h"
#include "protocol/action_writer.h"
#include "protocol/features.h"
#include "protocol/new_table.h"
#include "protocol/staged_actions.h"
#include "txn/commit.h"
#include "txn/commit_id.h"
#include "txn/commit_report.h"
#include "txn/written_log.h"

namespace deltalakedb {

namespace {

constexpr std::string_view kOperation = "SET TBLPROPERTIES";

// Spark's: {"properties":"{…}"}.
std::string ParametersOf(const std::map<std::string, std::string>& properties) {
  rapidjson::StringBuffer inner;
  protocol::JsonWriter inner_writer(inner);
  protocol::WriteStringMap(properties, inner_writer);
  rapidjson::StringBuffer outer;
  protocol::JsonWriter writer(outer);
  writer.StartObject();
  protocol::WriteKey("properties", writer);
  protocol::WriteText({inner.GetString(), inner.GetSize()}, writer);
  writer.EndObject();
  return {outer.GetString(), outer.GetSize()};
}

}  // namespace

Result<PropertiesReport> SetTableProperties(std::string_view uri,
                                            const std::map<std::string, std::string>& properties,
                                            LogSink* log_sink) {
  DELTALAKEDB_ASSIGN(const auto table, txn::WrittenLog::Open(uri, Mirroring::kWait, log_sink));
  DELTALAKEDB_ASSIGN(CommitBase loaded, table.log().LoadCommitBase(TableVersion::Latest()));
  const auto base = std::make_shared<const CommitBase>(std::move(loaded));
  const TableState& state = base->state;
  DELTALAKEDB_TRY(protocol::CheckWritable(state.protocol, state.metadata));
  DELTALAKEDB_ASSIGN(protocol::PropertyChange change,
                     protocol::ChangeProperties({state.protocol, state.metadata}, properties));
  PropertiesReport report;
  report.has_changed = change.metadata || change.protocol;
  report.commit.version = state.version;
  report.commit.timestamp = state.timestamp;
  if (!report.has_changed) return report;
  protocol::StagedActions staged;
  if (change.protocol) DELTALAKEDB_TRY(staged.Append(*std::move(change.protocol)));
  if (change.metadata) DELTALAKEDB_TRY(staged.Append(*std::move(change.metadata)));
  txn::CommitOptions options;
  options.info.operation = kOperation;
  options.info.operation_parameters = ParametersOf(properties);
  options.info.engine_info = txn::kEngineInfo;
  DELTALAKEDB_ASSIGN(auto outcome, txn::Commit(table.log(), base, staged, std::move(options)));
  if (outcome.kind == txn::CommitOutcome::Kind::kCommitted) table.NoteCommitted(outcome.version);
  report.commit = txn::ToReport(std::move(outcome));
  return report;
}

}  // namespace deltalakedb
