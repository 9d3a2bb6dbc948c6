#include "protocol/commit_body.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"

namespace deltalakedb::protocol {

namespace {

constexpr std::size_t kObjectBytesMax = kStagedLineBytesMax;

// Appends lines to a text.
class LineWriter {
 public:
  LineWriter() : writer_(buffer_) {}

  // Writes {"<name>":<what write(writer) writes>} and a line end.
  template <typename Write>
  void Line(std::string_view name, Write write) {
    writer_.Reset(buffer_);
    writer_.StartObject();
    WriteKey(name, writer_);
    write(writer_);
    writer_.EndObject();
    buffer_.Put('\n');
  }
  template <typename T>
  void StagedLine(std::string_view name, const Staged<T>& staged) {
    Line(name, [&](JsonWriter& writer) { WriteWithExtras(staged.action, staged.extras, writer); });
  }
  void Verbatim(std::string_view line) {
    char* const place = buffer_.Push(line.size() + 1);
    std::memcpy(place, line.data(), line.size());
    place[line.size()] = '\n';
  }

  std::size_t size_bytes() const { return buffer_.GetSize(); }
  std::string Text() const { return std::string(buffer_.GetString(), buffer_.GetSize()); }

 private:
  rapidjson::StringBuffer buffer_;
  JsonWriter writer_;
};

std::unexpected<Error> WrongInfo(std::string_view field, std::string what) {
  return Fail(Error(ErrorCode::kInvalidArgument, std::move(what))
                  .With("action", "commitInfo")
                  .With("field", std::string(field)));
}

Result<JsonDocument> ParseInfoObject(std::string_view field, std::string_view json) {
  auto document = JsonDocument::ParseObject(json, kObjectBytesMax);
  if (document) return document;
  return WrongInfo(field, fmt::format("{} of the commit: {}", field, document.error().message()));
}

Result<void> CheckInfoText(std::string_view field, std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return {};
  return WrongInfo(field, fmt::format("{} of the commit is not UTF-8", field));
}

// Collects the fields of commitInfo in order.
class InfoWriter {
 public:
  explicit InfoWriter(JsonWriter& writer) : writer_(writer) {}

  void Number(std::string_view name, std::int64_t value) {
    Name(name);
    writer_.Int64(value);
  }
  void Text(std::string_view name, std::string_view value) {
    Name(name);
    WriteText(value, writer_);
  }
  void Bool(std::string_view name, bool value) {
    Name(name);
    writer_.Bool(value);
  }
  void Json(std::string_view name, std::string_view value) {
    Name(name);
    WriteJson(value);
  }
  // `own` are the user's, null for none; those of other names come behind.
  void Tags(const std::map<std::string, std::string>& tags, const JsonValue* own) {
    Name("tags");
    writer_.StartObject();
    for (const auto& [key, value] : tags) {
      WriteKey(key, writer_);
      WriteText(value, writer_);
    }
    if (own != nullptr && own->is_object()) {
      own->ForEachMember([&](std::string_view key, JsonValue value) {
        if (tags.contains(std::string(key))) return true;
        WriteKey(key, writer_);
        WriteJson(value.text());
        return true;
      });
    }
    writer_.EndObject();
  }

  bool Has(std::string_view name) const { return std::ranges::find(names_, name) != names_.end(); }

 private:
  // Between its tokens, line breaks are blanks: commitInfo has one line.
  void WriteJson(std::string_view value) {
    std::string line(value);
    std::ranges::replace(line, '\n', ' ');
    std::ranges::replace(line, '\r', ' ');
    WriteRaw(line, writer_);
  }
  void Name(std::string_view name) {
    names_.emplace_back(name);
    WriteKey(name, writer_);
  }

  JsonWriter& writer_;
  std::vector<std::string> names_;
};

Result<void> CheckInfo(const CommitInfoFields& fields) {
  DELTALAKEDB_TRY(CheckInfoText("operation", fields.operation));
  DELTALAKEDB_TRY(CheckInfoText("userMetadata", fields.user_metadata.value_or("")));
  DELTALAKEDB_TRY(CheckInfoText("engineInfo", fields.engine_info));
  DELTALAKEDB_TRY(CheckInfoText("txnId", fields.txn_id));
  for (const auto& [key, value] : fields.tags) {
    DELTALAKEDB_TRY(CheckInfoText("tags", key));
    DELTALAKEDB_TRY(CheckInfoText("tags", value));
  }
  DELTALAKEDB_TRY(ParseInfoObject("operationParameters", fields.operation_parameters));
  if (fields.operation_metrics) {
    DELTALAKEDB_TRY(ParseInfoObject("operationMetrics", *fields.operation_metrics));
  }
  return {};
}

// What the writer of a commit alone can say; where it says nothing, nobody does. Readers decide by
// these.
bool IsReserved(std::string_view name) {
  constexpr std::array<std::string_view, 3> kReserved = {"inCommitTimestamp", "readVersion",
                                                         "version"};
  return std::ranges::find(kReserved, name) != kReserved.end();
}

std::string_view Trimmed(std::string_view json) {
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  return json.substr(first, json.find_last_not_of(" \t\r\n") - first + 1);
}

void WriteInfo(const CommitInfoFields& fields, const JsonDocument& own, JsonWriter& json) {
  InfoWriter info(json);
  json.StartObject();
  if (fields.in_commit_timestamp) {
    info.Number("inCommitTimestamp", fields.in_commit_timestamp->ms());
  }
  info.Number("timestamp", fields.timestamp.ms());
  info.Text("operation", fields.operation);
  info.Json("operationParameters", Trimmed(fields.operation_parameters));
  if (fields.read_version) info.Number("readVersion", fields.read_version->value());
  info.Text("isolationLevel", IsolationLevelName(fields.isolation_level));
  info.Bool("isBlindAppend", fields.is_blind_append);
  if (fields.operation_metrics) info.Json("operationMetrics", Trimmed(*fields.operation_metrics));
  if (fields.user_metadata) info.Text("userMetadata", *fields.user_metadata);
  if (!fields.tags.empty()) {
    std::optional<JsonValue> own_tags;
    own.root().ForEachMember([&](std::string_view name, JsonValue value) {
      if (name == "tags") own_tags = value;
      return true;
    });
    info.Tags(fields.tags, own_tags ? &*own_tags : nullptr);
  }
  info.Text("engineInfo", fields.engine_info);
  info.Text("txnId", fields.txn_id);
  own.root().ForEachMember([&](std::string_view name, JsonValue value) {
    if (!info.Has(name) && !IsReserved(name)) info.Json(name, value.text());
    return true;
  });
  json.EndObject();
}

}  // namespace

Result<std::string> WriteCommitInfo(const CommitInfoFields& fields, std::string_view own) {
  DELTALAKEDB_TRY(CheckInfo(fields));
  DELTALAKEDB_ASSIGN(const JsonDocument own_fields, ParseInfoObject("", own));
  LineWriter lines;
  lines.Line("commitInfo", [&](JsonWriter& writer) { WriteInfo(fields, own_fields, writer); });
  return lines.Text();
}

Result<CommitBody> CommitBody::Make(const StagedActions& staged, const CommitInfoFields& info,
                                    std::size_t bytes_max) {
  CommitBody body(bytes_max);
  DELTALAKEDB_TRY(body.RewriteCommitInfo(staged, info));
  DELTALAKEDB_TRY(body.RewriteTableActions(staged));
  DELTALAKEDB_TRY(body.RewriteFiles(staged));
  return body;
}

Result<void> CommitBody::Replace(std::string& part, std::string text) {
  if (size_bytes() - part.size() + text.size() > bytes_max_) {
    return Fail(Error(ErrorCode::kLimitExceeded,
                      fmt::format("the text of the commit is longer than {} bytes, which is the "
                                  "limit; make several commits of it",
                                  bytes_max_))
                    .With("limit", "commit body bytes"));
  }
  part = std::move(text);
  return {};
}

Result<void> CommitBody::RewriteCommitInfo(const StagedActions& staged,
                                           const CommitInfoFields& info) {
  const auto& own = staged.commit_info();
  DELTALAKEDB_ASSIGN(std::string line, WriteCommitInfo(info, own ? own->action.raw : "{}"));
  return Replace(commit_info_, std::move(line));
}

Result<void> CommitBody::RewriteTableActions(const StagedActions& staged) {
  LineWriter lines;
  if (const auto& protocol = staged.protocol()) {
    lines.Line("protocol", [&](JsonWriter& writer) { WriteProtocol(protocol->action, writer); });
  }
  if (staged.metadata()) lines.StagedLine("metaData", *staged.metadata());
  if (const auto& own = staged.own_domain()) {
    lines.Line("domainMetadata", [&](JsonWriter& writer) { WriteDomainMetadata(*own, writer); });
  }
  for (const auto& domain : staged.domain_metadata()) lines.StagedLine("domainMetadata", domain);
  for (const auto& transaction : staged.app_transactions()) lines.StagedLine("txn", transaction);
  return Replace(table_actions_, lines.Text());
}

Result<void> CommitBody::RewriteFiles(const StagedActions& staged) {
  LineWriter lines;
  // No further than the limit and one line, which Replace refuses.
  const auto write = [&](std::string_view name, const auto& files) {
    for (const auto& file : files) {
      if (lines.size_bytes() > bytes_max_) return;
      lines.StagedLine(name, file);
    }
  };
  write("remove", staged.removes());
  write("add", staged.adds());
  write("cdc", staged.cdc());
  for (const std::string_view line : staged.unknown_lines()) lines.Verbatim(line);
  return Replace(files_, lines.Text());
}

std::string CommitBody::Text() const {
  std::string text;
  text.reserve(size_bytes());
  text.append(commit_info_).append(table_actions_).append(files_);
  return text;
}

}  // namespace deltalakedb::protocol
