#include "apps/mirror_json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apps/output_text.h"

namespace deltalakedb::cli {

namespace {

using protocol::JsonWriter;
using protocol::WriteKey;
using protocol::WriteText;

void Put(std::string_view key, std::string_view text, JsonWriter& writer) {
  WriteKey(key, writer);
  WriteText(ValidUtf8(text), writer);
}
void Put(std::string_view key, std::int64_t number, JsonWriter& writer) {
  WriteKey(key, writer);
  writer.Int64(number);
}
void Put(std::string_view key, bool value, JsonWriter& writer) {
  WriteKey(key, writer);
  writer.Bool(value);
}
// Null where there is none.
void Put(std::string_view key, const std::optional<Version>& version, JsonWriter& writer) {
  WriteKey(key, writer);
  if (version) {
    writer.Int64(version->value());
  } else {
    writer.Null();
  }
}
// Left out where there is none.
void PutTime(std::string_view key, const std::optional<Timestamp>& time, JsonWriter& writer) {
  if (time) Put(key, time->ms(), writer);
}
void PutOptional(std::string_view key, const std::optional<std::int64_t>& number,
                 JsonWriter& writer) {
  if (number) Put(key, *number, writer);
}
void PutOptional(std::string_view key, const std::optional<std::string>& text, JsonWriter& writer) {
  if (text) Put(key, std::string_view(*text), writer);
}

}  // namespace

void WriteMirrorInfo(const MirrorInfo& mirror, JsonWriter& writer) {
  constexpr std::int64_t kMsPerSecond = 1000;
  writer.StartObject();
  Put("table", std::string_view(mirror.table), writer);
  Put("engine", std::string_view(mirror.engine), writer);
  Put("place", std::string_view(mirror.place), writer);
  Put("absolutePaths", mirror.absolute_paths, writer);
  Put("mode", TableModeName(mirror.mode), writer);
  const bool is_whole = mirror.state == MirrorState::kPending && mirror.lag_versions == 0;
  Put("state", is_whole ? std::string_view("SUCCESS") : MirrorStateName(mirror.state), writer);
  Put("version", mirror.version.value(), writer);
  Put("publishedVersion", mirror.published, writer);
  Put("lagVersions", mirror.lag_versions, writer);
  Put("lagSeconds", mirror.lag_ms / kMsPerSecond, writer);
  if (mirror.checkpoint) Put("checkpointVersion", mirror.checkpoint, writer);
  Put("attempts", mirror.attempts, writer);
  PutTime("lastAttemptAt", mirror.last_attempt, writer);
  PutTime("lastSuccessAt", mirror.last_success, writer);
  PutTime("nextAttemptAt", mirror.next_attempt, writer);
  PutOptional("lastError", mirror.last_error, writer);
  PutOptional("alertVersions", mirror.alert.versions, writer);
  PutOptional("alertSeconds", mirror.alert.seconds, writer);
  Put("alert", mirror.is_alert, writer);
  writer.EndObject();
}

void WriteMirrorVersion(const MirrorVersion& version, JsonWriter& writer) {
  writer.StartObject();
  Put("version", version.version.value(), writer);
  Put("engine", std::string_view(version.engine), writer);
  Put("state", MirrorVersionStateName(version.state), writer);
  Put("attempts", version.attempts, writer);
  PutOptional("error", version.error, writer);
  writer.EndObject();
}

void WriteMirrorFailure(const MirrorFailure& failure, JsonWriter& writer) {
  writer.StartObject();
  Put("failedAt", failure.failed_at.ms(), writer);
  Put("engine", std::string_view(failure.engine), writer);
  Put("version", failure.version, writer);
  Put("code", std::string_view(failure.error_code), writer);
  Put("error", std::string_view(failure.error), writer);
  writer.EndObject();
}

void WriteMirrorRun(const MirrorRun& run, JsonWriter& writer) {
  writer.StartObject();
  Put("table", std::string_view(run.table), writer);
  Put("engine", std::string_view(run.engine), writer);
  Put("place", std::string_view(run.place), writer);
  if (run.from) Put("fromVersion", run.from, writer);
  Put("publishedVersion", run.published, writer);
  Put("version", run.version.value(), writer);
  if (run.is_busy) Put("busy", true, writer);
  if (run.error) {
    Put("code", ErrorCodeName(run.error->code()), writer);
    Put("error", std::string_view(run.error->message()), writer);
  }
  writer.EndObject();
}

void WriteMirrorVerification(const MirrorVerification& verification, JsonWriter& writer) {
  writer.StartObject();
  Put("table", std::string_view(verification.table), writer);
  Put("engine", std::string_view(verification.engine), writer);
  Put("place", std::string_view(verification.place), writer);
  Put("publishedVersion", verification.published, writer);
  WriteKey("differences", writer);
  writer.StartArray();
  for (const Difference& difference : verification.differences) {
    writer.StartObject();
    if (difference.version) Put("version", difference.version, writer);
    Put("message", std::string_view(difference.message), writer);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
}

void WriteRepairReport(const RepairReport& report, JsonWriter& writer) {
  writer.StartObject();
  Put("table", std::string_view(report.table), writer);
  Put("place", std::string_view(report.place), writer);
  PutOptional("replacedTable", report.replaced_table, writer);
  Put("publishedVersion", report.published, writer);
  Put("version", report.version.value(), writer);
  writer.EndObject();
}

}  // namespace deltalakedb::cli
