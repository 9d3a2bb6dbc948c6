#include "protocol/staged_actions.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

#include "base/try.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"
#include "protocol/json_text.h"

namespace deltalakedb::protocol {

namespace {

// What a typed action costs beside its texts, so that the limit on bytes bounds memory for actions
// without any. Unit: bytes.
constexpr std::size_t kActionBytes = 64;

Error Wrong(std::string_view action, std::string_view field, std::string what) {
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("the {} action is not valid: {}", action, what))
      .With("action", std::string(action))
      .With("field", std::string(field));
}

bool IsBlankLine(std::string_view line) {
  return line.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Line breaks between tokens become blanks: an action has one line (PROTOCOL.md, Log files and
// names). Within a text JSON has none.
void ReplaceLineBreaks(char* text, std::size_t size) {
  std::replace(text, text + size, '\n', ' ');
  std::replace(text, text + size, '\r', ' ');
}

std::string_view WithoutSpaceAround(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Checks the texts of an action that is given as a value and counts them.
class TextChecker {
 public:
  explicit TextChecker(std::string_view action) : action_(action) {}

  void Take(std::string_view field, std::string_view text) {
    bytes_ += text.size();
    if (!error_ && !simdjson::validate_utf8(text.data(), text.size())) {
      error_ = Wrong(action_, field, fmt::format("its {} is not UTF-8", field));
    }
  }
  template <typename Text>
  void Take(std::string_view field, const std::optional<Text>& text) {
    if (text) Take(field, std::string_view(*text));
  }
  void Take(std::string_view field, StringMapView map) {
    for (const StringMapEntry& entry : map) {
      Take(field, entry.key);
      Take(field, entry.value);
    }
  }
  void Take(std::string_view field, const std::optional<StringMapView>& map) {
    if (map) Take(field, *map);
  }
  void Take(std::string_view field, const std::map<std::string, std::string>& map) {
    for (const auto& [key, value] : map) {
      Take(field, key);
      Take(field, value);
    }
  }
  void Take(std::string_view field, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) Take(field, text);
  }
  void Take(const std::optional<DeletionVector>& vector) {
    if (!vector) return;
    Take("deletionVector.storageType", vector->storage_type);
    Take("deletionVector.pathOrInlineDv", vector->path_or_inline_dv);
  }
  // Verbatim JSON, whose line breaks are taken out.
  void Take(UnknownFields& fields) {
    for (auto& [name, json] : fields) {
      Take(name, name);
      Take(name, json);
      if (!error_ && !IsJson(json)) {
        error_ = Wrong(action_, name, fmt::format("its {} is not valid JSON", Excerpt(name)));
      }
      ReplaceLineBreaks(json.data(), json.size());
    }
  }

  std::size_t bytes() const { return bytes_ + kActionBytes; }
  Result<void> Finish() const {
    if (error_) return Fail(*error_);
    return {};
  }

 private:
  std::string_view action_;
  std::size_t bytes_ = 0;
  std::optional<Error> error_;
};

// The line that an error is about, unless the actions were given as values.
Error AtLineNumber(Error error, std::int64_t line) {
  if (line > 0) error.AddFact("line", line).AddContext(fmt::format("line {}", line));
  return error;
}

}  // namespace

// Copies the texts of file actions into the arena.
class StagedActions::Copier {
 public:
  explicit Copier(Arena& arena) : arena_(arena) {}

  void operator()(std::string_view& text) { text = arena_.Copy(text); }
  void operator()(std::optional<std::string_view>& text) {
    if (text) (*this)(*text);
  }
  void operator()(StringMapView& map) {
    std::vector<StringMapEntry> entries(map.begin(), map.end());
    for (StringMapEntry& entry : entries) {
      (*this)(entry.key);
      (*this)(entry.value);
    }
    map = arena_.Copy(entries);
  }
  void operator()(std::optional<StringMapView>& map) {
    if (map) (*this)(*map);
  }
  void operator()(std::optional<DeletionVector>& vector) {
    if (!vector) return;
    (*this)(vector->storage_type);
    (*this)(vector->path_or_inline_dv);
  }

 private:
  Arena& arena_;
};

StagedActions::StagedActions(StagedLimits limits)
    : limits_(limits), arena_(std::make_unique<Arena>()) {}

std::size_t StagedActions::size() const {
  return adds_.size() + removes_.size() + cdc_.size() + (metadata_ ? 1 : 0) + (protocol_ ? 1 : 0) +
         transactions_.size() + domains_.size() + unknown_lines_.size();
}

Result<void> StagedActions::Count(std::size_t bytes, std::string_view action) {
  const auto beyond = [&](std::string what, std::string_view limit) {
    return Fail(Error(ErrorCode::kLimitExceeded, std::move(what))
                    .With("action", std::string(action))
                    .With("limit", std::string(limit)));
  };
  if (bytes > limits_.line_bytes_max) {
    return beyond(fmt::format("an action of {} bytes is longer than the limit of {} bytes", bytes,
                              limits_.line_bytes_max),
                  "action bytes");
  }
  if (bytes > limits_.bytes_max - bytes_) {
    return beyond(fmt::format("the actions of one commit have more than {} bytes, which is the "
                              "limit; make several commits of them",
                              limits_.bytes_max),
                  "commit bytes");
  }
  if (size() + (commit_info_ ? 1 : 0) >= limits_.actions_max) {
    return beyond(fmt::format("one commit has more than {} actions, which is the limit; make "
                              "several commits of them",
                              limits_.actions_max),
                  "actions");
  }
  bytes_ += bytes;
  return {};
}

Result<void> StagedActions::Append(const AddFile& add) {
  TextChecker checker("add");
  checker.Take("path", add.path);
  checker.Take("partitionValues", add.partition_values);
  checker.Take("stats", add.stats);
  checker.Take("tags", add.tags);
  checker.Take(add.deletion_vector);
  checker.Take("clusteringProvider", add.clustering_provider);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "add"));
  AddFile& copy = adds_.emplace_back(add).action;
  Copier copier(*arena_);
  copier(copy.path);
  copier(copy.partition_values);
  copier(copy.stats);
  copier(copy.tags);
  copier(copy.deletion_vector);
  copier(copy.clustering_provider);
  return {};
}

Result<void> StagedActions::Append(const RemoveFile& remove) {
  TextChecker checker("remove");
  checker.Take("path", remove.path);
  checker.Take("partitionValues", remove.partition_values);
  checker.Take("stats", remove.stats);
  checker.Take("tags", remove.tags);
  checker.Take(remove.deletion_vector);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "remove"));
  RemoveFile& copy = removes_.emplace_back(remove).action;
  Copier copier(*arena_);
  copier(copy.path);
  copier(copy.partition_values);
  copier(copy.stats);
  copier(copy.tags);
  copier(copy.deletion_vector);
  return {};
}

Result<void> StagedActions::Append(const CdcFile& cdc) {
  TextChecker checker("cdc");
  checker.Take("path", cdc.path);
  checker.Take("partitionValues", cdc.partition_values);
  checker.Take("tags", cdc.tags);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "cdc"));
  CdcFile& copy = cdc_.emplace_back(cdc).action;
  Copier copier(*arena_);
  copier(copy.path);
  copier(copy.partition_values);
  copier(copy.tags);
  return {};
}

Result<void> StagedActions::Append(Metadata metadata) {
  if (metadata_) return Fail(Wrong("metaData", "", "a commit has one metaData at most"));
  TextChecker checker("metaData");
  checker.Take("id", metadata.id);
  checker.Take("name", metadata.name);
  checker.Take("description", metadata.description);
  checker.Take("format", metadata.format_provider);
  checker.Take("format", metadata.format_options);
  checker.Take("schemaString", metadata.schema_string);
  checker.Take("partitionColumns", metadata.partition_columns);
  checker.Take("configuration", metadata.configuration);
  checker.Take(metadata.unknown_fields);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "metaData"));
  metadata_.emplace(std::move(metadata));
  return {};
}

Result<void> StagedActions::Append(Protocol protocol) {
  if (protocol_) return Fail(Wrong("protocol", "", "a commit has one protocol at most"));
  TextChecker checker("protocol");
  if (protocol.reader_features) checker.Take("readerFeatures", *protocol.reader_features);
  if (protocol.writer_features) checker.Take("writerFeatures", *protocol.writer_features);
  checker.Take(protocol.unknown_fields);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "protocol"));
  protocol_.emplace(std::move(protocol));
  return {};
}

Result<void> StagedActions::Append(AppTransaction transaction) {
  TextChecker checker("txn");
  checker.Take("appId", transaction.app_id);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "txn"));
  transactions_.emplace_back(std::move(transaction));
  return {};
}

Result<void> StagedActions::Append(DomainMetadata domain) {
  TextChecker checker("domainMetadata");
  checker.Take("domain", domain.domain);
  checker.Take("configuration", domain.configuration);
  DELTALAKEDB_TRY(checker.Finish());
  DELTALAKEDB_TRY(Count(checker.bytes(), "domainMetadata"));
  domains_.emplace_back(std::move(domain));
  return {};
}

Result<void> StagedActions::AppendCommitInfo(std::string_view json) {
  return Take(fmt::format(R"({{"commitInfo":{}}})", json), /*line_number=*/0);
}

Result<void> StagedActions::Take(std::string_view line, std::int64_t line_number) {
  if (IsBlankLine(line)) return {};
  if (Result<void> counted = Count(line.size(), ""); !counted) {
    return Fail(AtLineNumber(std::move(counted).error(), line_number));
  }
  if (!parser_) parser_ = std::make_unique<ActionParser>();
  line_.resize(line.size() + kLinePaddingBytes);
  std::memcpy(line_.data(), line.data(), line.size());
  ReplaceLineBreaks(line_.data(), line.size());
  LineNotes notes;
  const std::string_view padded(line_.data(), line.size());
  Result<Action> action = parser_->ParseStrictly(padded, *arena_, notes);
  if (!action) {
    // What is wrong with a user's own line is the user's input, whatever it would be in a log.
    Error& error = action.error();
    const bool is_input = error.code() == ErrorCode::kCorrupt;
    Error wrong = is_input ? Wrong(notes.action, notes.field, error.message()) : error;
    if (is_input && notes.action.empty()) {
      wrong = Error(ErrorCode::kInvalidArgument,
                    fmt::format("the line is not an action: {}", error.message()));
    }
    bytes_ -= line.size();
    return Fail(AtLineNumber(std::move(wrong), line_number));
  }
  if (Result<void> taken = TakeAction(*std::move(action), notes, line_number); !taken) {
    bytes_ -= line.size();
    return Fail(AtLineNumber(std::move(taken).error(), line_number));
  }
  return {};
}

UnknownFieldsView StagedActions::CopyFields(const UnknownFields& fields) {
  std::vector<UnknownFieldView> copies;
  copies.reserve(fields.size());
  for (const auto& [name, json] : fields) {
    copies.push_back({arena_->Copy(name), arena_->Copy(json)});
  }
  return arena_->Copy(copies);
}

ActionExtras StagedActions::CopyExtras(const LineNotes& notes) {
  return {CopyFields(notes.unknown_fields), CopyFields(notes.nested_fields)};
}

Result<void> StagedActions::TakeAction(Action action, LineNotes& notes, std::int64_t line_number) {
  const auto append = [&](auto& list, auto& taken) {
    list.push_back({std::move(taken), CopyExtras(notes), line_number});
  };
  const auto set = [&](auto& place, auto& taken) -> Result<void> {
    if (place) {
      return Fail(
          Wrong(notes.action, "", fmt::format("a commit has one {} at most", notes.action)));
    }
    place = {std::move(taken), CopyExtras(notes), line_number};
    return {};
  };
  if (auto* add = std::get_if<AddFile>(&action)) {
    append(adds_, *add);
  } else if (auto* remove = std::get_if<RemoveFile>(&action)) {
    append(removes_, *remove);
  } else if (auto* cdc = std::get_if<CdcFile>(&action)) {
    append(cdc_, *cdc);
  } else if (auto* metadata = std::get_if<Metadata>(&action)) {
    return set(metadata_, *metadata);
  } else if (auto* protocol = std::get_if<Protocol>(&action)) {
    return set(protocol_, *protocol);
  } else if (auto* transaction = std::get_if<AppTransaction>(&action)) {
    append(transactions_, *transaction);
  } else if (auto* domain = std::get_if<DomainMetadata>(&action)) {
    append(domains_, *domain);
  } else if (auto* info = std::get_if<CommitInfo>(&action)) {
    return set(commit_info_, *info);
  } else if (std::holds_alternative<UnknownAction>(action)) {
    const std::size_t size = line_.size() - kLinePaddingBytes;
    unknown_lines_.push_back(arena_->Copy(WithoutSpaceAround({line_.data(), size})));
  } else {
    return Fail(Wrong(notes.action, "",
                      "it belongs to checkpoints, and no commit may have it (PROTOCOL.md, "
                      "Checkpoints); leave the line out"));
  }
  return {};
}

}  // namespace deltalakedb::protocol
