#include "protocol/action_json.h"

#include <algorithm>
#include <utility>

#include "protocol/action_parser_internal.h"
#include "protocol/json_text.h"

namespace deltalakedb::protocol {

// What the parser needs must fit into what callers promise.
static_assert(kLinePaddingBytes >= simdjson::SIMDJSON_PADDING);

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

// The innermost of names_ is the field that is read from now on.
bool ActionParser::Impl::EnterField(std::string_view name) {
  std::string& entered = names_[depth_ - 1];
  entered.assign(name);
  return notes_ == nullptr || NoteField(entered);
}

bool ActionParser::Impl::NoteField(const std::string& name) {
  std::vector<std::string>& seen = seen_[depth_ - 1];
  if (std::ranges::find(seen, name) != seen.end()) {
    return Problem(fmt::format("its {} is there twice", name));
  }
  if (seen.size() == kFieldsPerObjectMax) {
    has_too_many_fields_ = true;
    return Problem(fmt::format("one of its objects has more fields than {}", kFieldsPerObjectMax));
  }
  seen.push_back(name);
  return true;
}

bool ActionParser::Impl::RequireStrictly(std::string_view object,
                                         std::initializer_list<std::string_view> fields) {
  if (notes_ == nullptr) return true;
  // It was left, so its fields are those of one level further in.
  const std::vector<std::string>& seen = seen_[depth_];
  return std::ranges::all_of(fields, [&](std::string_view name) {
    return Require(std::ranges::find(seen, name) != seen.end(), fmt::format("{}.{}", object, name));
  });
}

bool ActionParser::Impl::ReadText(ondemand::value& value, std::string_view& out) {
  return Check(value.get_string().get(out));
}

bool ActionParser::Impl::ReadInto(ondemand::value& value, std::string& out) {
  std::string_view text;
  if (!ReadText(value, text)) return false;
  out.assign(text);
  return true;
}

bool ActionParser::Impl::ReadArenaText(ondemand::value& value, Arena& arena,
                                       std::string_view& out) {
  std::string_view text;
  if (!ReadText(value, text)) return false;
  out = arena.Copy(text);
  return true;
}

template <typename T>
bool ActionParser::Impl::ReadOptional(ondemand::value& value, std::optional<T>& out) {
  return ReadInto(value, out.emplace());
}

bool ActionParser::Impl::ReadInt64(ondemand::value& value, std::int64_t& out) {
  return Check(value.get_int64().get(out));
}

bool ActionParser::Impl::ReadInt32(ondemand::value& value, std::int32_t& out) {
  std::int64_t wide = 0;
  if (!ReadInt64(value, wide)) return false;
  if (!std::in_range<std::int32_t>(wide)) {
    return Problem(fmt::format("its {} is out of range", field()));
  }
  out = static_cast<std::int32_t>(wide);
  return true;
}

bool ActionParser::Impl::ReadBool(ondemand::value& value, bool& out) {
  return Check(value.get_bool().get(out));
}

// The on-demand parser only balances brackets in what it skips, so verbatim text is checked here.
bool ActionParser::Impl::ReadRaw(ondemand::value& value, std::string& out) {
  std::string_view raw;
  ondemand::json_type type{};
  if (!Check(value.type().get(type))) return false;
  if (type == ondemand::json_type::string) {
    // to_json_string leaves a string unread, and what follows it would then pass for its value.
    raw = value.raw_json_token();
    ondemand::raw_json_string consumed;
    if (!Check(value.get_raw_json_string().get(consumed))) return false;
  } else if (!Check(simdjson::to_json_string(value).get(raw))) {
    return false;
  }
  raw = Trim(raw);
  if (!IsJson(raw)) return Problem(fmt::format("its {} is not valid JSON", field()));
  out.assign(raw);
  return true;
}

bool ActionParser::Impl::CheckUnknown(ondemand::value& value) {
  if (notes_ != nullptr && depth_ > 1) {
    return KeepUnknown(field(), value,
                       depth_ == 2 ? notes_->unknown_fields : notes_->nested_fields);
  }
  std::string raw;
  return ReadRaw(value, raw);
}

bool ActionParser::Impl::KeepUnknown(std::string_view name, ondemand::value& value,
                                     UnknownFields& out) {
  auto& [kept_name, raw] = out.emplace_back();
  kept_name.assign(name);
  return ReadRaw(value, raw);
}

bool ActionParser::Impl::ReadStrings(ondemand::value& value, std::vector<std::string>& out) {
  out.clear();
  return ForEachElement(
      value, [&](ondemand::value& element) { return ReadInto(element, out.emplace_back()); });
}

// Null values carry nothing in these maps and are left out.
bool ActionParser::Impl::ReadOwnedMap(ondemand::value& value,
                                      std::map<std::string, std::string>& out) {
  out.clear();
  return ForEachEntry(value, [&](std::string_view name, ondemand::value& entry, bool is_null) {
    if (is_null) return notes_ == nullptr || Problem(fmt::format("its {} is null", name));
    return ReadInto(entry, out[std::string(name)]);
  });
}

bool ActionParser::Impl::ReadMap(ondemand::value& value, Arena& arena, StringMapView& out) {
  entries_.clear();
  const bool ok =
      ForEachEntry(value, [&](std::string_view name, ondemand::value& entry, bool is_null) {
        StringMapEntry& added = entries_.emplace_back(arena.Copy(name), std::nullopt);
        return is_null || ReadArenaText(entry, arena, added.value.emplace());
      });
  out = arena.Copy(entries_);
  return ok;
}

bool ActionParser::Impl::SkipText(ondemand::value& value) {
  ondemand::raw_json_string text;
  return Check(value.get_raw_json_string().get(text));
}

bool ActionParser::Impl::SkipMap(ondemand::value& value) {
  ondemand::object object;
  if (!Check(value.get_object().get(object))) return false;
  for (auto item : object) {
    ondemand::field field;
    bool is_null = false;
    if (!Check(std::move(item).get(field))) return false;
    ondemand::value entry = field.value();
    if (!Check(entry.is_null().get(is_null)) || !(is_null || SkipText(entry))) return false;
  }
  return true;
}

bool ActionParser::Impl::ReadDeletionVector(ondemand::value& value, Arena& arena,
                                            DeletionVector& out) {
  bool has_type = false, has_path = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "storageType") {
      has_type = true;
      return ReadArenaText(field, arena, out.storage_type);
    }
    if (name == "pathOrInlineDv") {
      has_path = true;
      return ReadArenaText(field, arena, out.path_or_inline_dv);
    }
    if (name == "offset") return ReadInt32(field, out.offset.emplace());
    if (name == "sizeInBytes") return ReadInt32(field, out.size_in_bytes);
    if (name == "cardinality") return ReadInt64(field, out.cardinality);
    return CheckUnknown(field);
  });
  return ok && Require(has_type, "deletionVector.storageType") &&
         Require(has_path, "deletionVector.pathOrInlineDv") &&
         RequireStrictly("deletionVector", {"sizeInBytes", "cardinality"});
}

bool ActionParser::Impl::ReadAdd(ondemand::value& value, FileDetail detail, Arena& arena,
                                 AddFile& out) {
  bool has_path = false, has_size = false, has_time = false, has_change = false;
  const bool all = detail != FileDetail::kIdentity;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "path") {
      has_path = true;
      return ReadArenaText(field, arena, out.path);
    }
    if (name == "size") {
      has_size = true;
      return ReadInt64(field, out.size) && (out.size >= 0 || Problem("its size is negative"));
    }
    if (name == "deletionVector") {
      return ReadDeletionVector(field, arena, out.deletion_vector.emplace());
    }
    if (name == "modificationTime") {
      has_time = true;
      return ReadInt64(field, out.modification_time);
    }
    if (name == "dataChange") {
      has_change = true;
      return ReadBool(field, out.data_change);
    }
    if (name == "stats") {
      return detail == FileDetail::kAll ? ReadArenaText(field, arena, out.stats.emplace())
                                        : SkipText(field);
    }
    if (name == "partitionValues") {
      return all ? ReadMap(field, arena, out.partition_values) : SkipMap(field);
    }
    if (name == "tags") {
      return all ? ReadMap(field, arena, out.tags.emplace()) : SkipMap(field);
    }
    if (name == "baseRowId") return ReadInt64(field, out.base_row_id.emplace());
    if (name == "defaultRowCommitVersion") {
      return ReadInt64(field, out.default_row_commit_version.emplace());
    }
    if (name == "clusteringProvider") {
      return ReadArenaText(field, arena, out.clustering_provider.emplace());
    }
    return CheckUnknown(field);
  });
  return ok && Require(has_path, "add.path") && Require(has_size, "add.size") &&
         Require(has_time, "add.modificationTime") && Require(has_change, "add.dataChange") &&
         RequireStrictly("add", {"partitionValues"});
}

bool ActionParser::Impl::ReadRemove(ondemand::value& value, FileDetail detail, Arena& arena,
                                    RemoveFile& out) {
  bool has_path = false;
  const bool all = detail != FileDetail::kIdentity;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "path") {
      has_path = true;
      return ReadArenaText(field, arena, out.path);
    }
    if (name == "deletionVector") {
      return ReadDeletionVector(field, arena, out.deletion_vector.emplace());
    }
    if (name == "deletionTimestamp") return ReadInt64(field, out.deletion_timestamp.emplace());
    if (name == "dataChange") return ReadBool(field, out.data_change);
    if (name == "extendedFileMetadata") {
      return ReadBool(field, out.extended_file_metadata.emplace());
    }
    if (name == "partitionValues") {
      return all ? ReadMap(field, arena, out.partition_values.emplace()) : SkipMap(field);
    }
    if (name == "size") return ReadInt64(field, out.size.emplace());
    if (name == "stats") {
      return detail == FileDetail::kAll ? ReadArenaText(field, arena, out.stats.emplace())
                                        : SkipText(field);
    }
    if (name == "tags") {
      return all ? ReadMap(field, arena, out.tags.emplace()) : SkipMap(field);
    }
    if (name == "baseRowId") return ReadInt64(field, out.base_row_id.emplace());
    if (name == "defaultRowCommitVersion") {
      return ReadInt64(field, out.default_row_commit_version.emplace());
    }
    return CheckUnknown(field);
  });
  return ok && Require(has_path, "remove.path") && RequireStrictly("remove", {"dataChange"});
}

bool ActionParser::Impl::ReadCdc(ondemand::value& value, Arena& arena, CdcFile& out) {
  bool has_path = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "path") {
      has_path = true;
      return ReadArenaText(field, arena, out.path);
    }
    if (name == "partitionValues") return ReadMap(field, arena, out.partition_values);
    if (name == "size") return ReadInt64(field, out.size);
    if (name == "dataChange") return ReadBool(field, out.data_change);
    if (name == "tags") return ReadMap(field, arena, out.tags.emplace());
    return CheckUnknown(field);
  });
  return ok && Require(has_path, "cdc.path") &&
         RequireStrictly("cdc", {"partitionValues", "size", "dataChange"});
}

bool ActionParser::Impl::ReadFormat(ondemand::value& value, Metadata& out) {
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "provider") return ReadOptional(field, out.format_provider);
    if (name == "options") return ReadOwnedMap(field, out.format_options);
    return CheckUnknown(field);
  });
  return ok && RequireStrictly("format", {"provider"});
}

bool ActionParser::Impl::ReadMetadata(ondemand::value& value, Metadata& out) {
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "id") return ReadOptional(field, out.id);
    if (name == "name") return ReadOptional(field, out.name);
    if (name == "description") return ReadOptional(field, out.description);
    if (name == "format") return ReadFormat(field, out);
    if (name == "schemaString") return ReadOptional(field, out.schema_string);
    if (name == "partitionColumns") return ReadStrings(field, out.partition_columns);
    if (name == "createdTime") return ReadOptional(field, out.created_time);
    if (name == "configuration") return ReadOwnedMap(field, out.configuration);
    return KeepUnknown(name, field, out.unknown_fields);
  });
  return ok && RequireStrictly("metaData", {"id", "format", "schemaString", "partitionColumns",
                                            "configuration"});
}

bool ActionParser::Impl::ReadProtocol(ondemand::value& value, Protocol& out) {
  bool has_reader = false, has_writer = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "minReaderVersion") {
      has_reader = true;
      return ReadInt32(field, out.min_reader_version);
    }
    if (name == "minWriterVersion") {
      has_writer = true;
      return ReadInt32(field, out.min_writer_version);
    }
    if (name == "readerFeatures") return ReadStrings(field, out.reader_features.emplace());
    if (name == "writerFeatures") return ReadStrings(field, out.writer_features.emplace());
    return KeepUnknown(name, field, out.unknown_fields);
  });
  return ok && Require(has_reader, "protocol.minReaderVersion") &&
         Require(has_writer, "protocol.minWriterVersion");
}

bool ActionParser::Impl::ReadAppTransaction(ondemand::value& value, AppTransaction& out) {
  bool has_id = false, has_version = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "appId") {
      has_id = true;
      return ReadInto(field, out.app_id);
    }
    if (name == "version") {
      has_version = true;
      return ReadInt64(field, out.version);
    }
    if (name == "lastUpdated") return ReadOptional(field, out.last_updated);
    return CheckUnknown(field);
  });
  return ok && Require(has_id, "txn.appId") && Require(has_version, "txn.version");
}

bool ActionParser::Impl::ReadDomainMetadata(ondemand::value& value, DomainMetadata& out) {
  bool has_domain = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "domain") {
      has_domain = true;
      return ReadInto(field, out.domain);
    }
    if (name == "configuration") return ReadInto(field, out.configuration);
    if (name == "removed") return ReadBool(field, out.removed);
    return CheckUnknown(field);
  });
  return ok && Require(has_domain, "domainMetadata.domain") &&
         RequireStrictly("domainMetadata", {"configuration", "removed"});
}

// commitInfo is free-form: a known field of another type than usual is not an error, it only stays
// unread (PROTOCOL.md, Actions, commitInfo).
bool ActionParser::Impl::ReadCommitInfo(ondemand::value& value, CommitInfo& out) {
  ondemand::object object;
  std::string_view raw;
  bool is_empty = false;
  if (!Check(value.get_object().get(object)) || !Check(object.raw_json().get(raw))) return false;
  out.raw.assign(Trim(raw));
  if (!IsJson(out.raw)) return Problem("its commitInfo is not valid JSON");
  if (!Check(object.reset().get(is_empty))) return false;
  ++depth_;
  if (notes_ != nullptr) seen_[depth_ - 1].clear();
  for (auto item : object) {
    ondemand::field field;
    std::string_view name;
    ondemand::json_type type{};
    if (!Check(std::move(item).get(field)) || !Check(field.unescaped_key().get(name)) ||
        !EnterField(name)) {
      return false;
    }
    ondemand::value field_value = field.value();
    if (!Check(field_value.type().get(type)) || !ReadCommitInfoField(field_value, type, out)) {
      return false;
    }
  }
  --depth_;
  return true;
}

bool ActionParser::Impl::ReadCommitInfoField(ondemand::value& value, ondemand::json_type type,
                                             CommitInfo& out) {
  const auto text = [&](std::optional<std::string>& field) {
    return type != ondemand::json_type::string || ReadOptional(value, field);
  };
  const auto number = [&](std::optional<std::int64_t>& field) {
    std::int64_t read = 0;
    if (type == ondemand::json_type::number && value.get_int64().get(read) == simdjson::SUCCESS) {
      field = read;
    }
    return true;
  };
  const auto raw = [&](std::optional<std::string>& field) {
    std::string_view json;
    if (type != ondemand::json_type::object) return true;
    if (!Check(simdjson::to_json_string(value).get(json))) return false;
    field = Trim(json);
    return true;
  };
  const std::string_view name = field();
  if (name == "timestamp") return number(out.timestamp);
  if (name == "inCommitTimestamp") return number(out.in_commit_timestamp);
  if (name == "readVersion") return number(out.read_version);
  if (name == "operation") return text(out.operation);
  if (name == "userMetadata") return text(out.user_metadata);
  if (name == "engineInfo") return text(out.engine_info);
  if (name == "txnId") return text(out.txn_id);
  if (name == "operationParameters") return raw(out.operation_parameters);
  if (name == "operationMetrics") return raw(out.operation_metrics);
  if (name == "isBlindAppend" && type == ondemand::json_type::boolean) {
    return ReadBool(value, out.is_blind_append.emplace());
  }
  return true;
}

bool ActionParser::Impl::ReadCheckpointMetadata(ondemand::value& value, CheckpointMetadata& out) {
  bool has_version = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name != "version") return CheckUnknown(field);
    has_version = true;
    std::int64_t version = 0;
    if (!ReadInt64(field, version)) return false;
    out.version = Version(version);
    return true;
  });
  return ok && Require(has_version, "checkpointMetadata.version");
}

bool ActionParser::Impl::ReadSidecar(ondemand::value& value, Sidecar& out) {
  bool has_path = false;
  const bool ok = ForEachField(value, [&](std::string_view name, ondemand::value& field) {
    if (name == "path") {
      has_path = true;
      return ReadInto(field, out.path);
    }
    if (name == "sizeInBytes") return ReadInt64(field, out.size_in_bytes);
    return CheckUnknown(field);
  });
  return ok && Require(has_path, "sidecar.path");
}

bool ActionParser::Impl::ReadAction(std::string_view name, ondemand::value& value,
                                    FileDetail detail, Arena& arena, std::optional<Action>& out) {
  const auto emplace = [&](auto& action, auto read) { return (this->*read)(value, action); };
  Action action;
  bool ok = false;
  if (name == "add") {
    ok = ReadAdd(value, detail, arena, action.emplace<AddFile>());
  } else if (name == "remove") {
    ok = ReadRemove(value, detail, arena, action.emplace<RemoveFile>());
  } else if (name == "cdc") {
    ok = ReadCdc(value, arena, action.emplace<CdcFile>());
  } else if (name == "commitInfo") {
    ok = emplace(action.emplace<CommitInfo>(), &Impl::ReadCommitInfo);
  } else if (name == "metaData") {
    ok = emplace(action.emplace<Metadata>(), &Impl::ReadMetadata);
  } else if (name == "protocol") {
    ok = emplace(action.emplace<Protocol>(), &Impl::ReadProtocol);
  } else if (name == "txn") {
    ok = emplace(action.emplace<AppTransaction>(), &Impl::ReadAppTransaction);
  } else if (name == "domainMetadata") {
    ok = emplace(action.emplace<DomainMetadata>(), &Impl::ReadDomainMetadata);
  } else if (name == "checkpointMetadata") {
    ok = emplace(action.emplace<CheckpointMetadata>(), &Impl::ReadCheckpointMetadata);
  } else if (name == "sidecar") {
    ok = emplace(action.emplace<Sidecar>(), &Impl::ReadSidecar);
  } else {
    if (!CheckUnknown(value)) return false;
    if (!out) out = UnknownAction{std::string(name)};
    return true;
  }
  if (!ok) return false;
  if (out && !std::holds_alternative<UnknownAction>(*out)) {
    return Problem("it holds two actions; a commit has one action per line");
  }
  out = std::move(action);
  return true;
}

Result<Action> ActionParser::Impl::Parse(std::string_view line, FileDetail detail, Arena& arena) {
  if (line.size() > kActionLineBytesMax) {
    return Fail(ErrorCode::kLimitExceeded,
                fmt::format("an action of {} bytes is longer than the limit of {} bytes",
                            line.size(), kActionLineBytesMax));
  }
  problem_.clear();
  out_of_memory_ = false;
  missing_.clear();
  has_too_many_fields_ = false;
  depth_ = 0;
  std::optional<Action> action;
  const bool ok = [&] {
    ondemand::document document;
    ondemand::value root;
    const simdjson::padded_string_view padded(line, line.size() + kLinePaddingBytes);
    if (!Check(parser_.iterate(padded).get(document))) return false;
    ondemand::json_type type{};
    if (!Check(document.type().get(type))) return false;
    if (type != ondemand::json_type::object) {
      return Problem("it is not a JSON object; a commit has one object per line");
    }
    if (!Check(document.get_value().get(root))) return false;
    if (!ForEachField(root, [&](std::string_view name, ondemand::value& value) {
          const std::string action_name(name);
          return ReadAction(action_name, value, detail, arena, action);
        })) {
      return false;
    }
    if (notes_ != nullptr && (seen_[0].size() != 1 || !action)) {
      return Problem("it is not an object of one member, which names the action");
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) {
      return Problem("something follows its JSON object");
    }
    return true;
  }();
  if (!ok && out_of_memory_) return Fail(ErrorCode::kUnavailable, "there is not enough memory");
  if (!ok) {
    return Fail(has_too_many_fields_ ? ErrorCode::kLimitExceeded : ErrorCode::kCorrupt,
                std::move(problem_));
  }
  return action ? std::move(*action) : Action(UnknownAction{});
}

Result<Action> ActionParser::Impl::ParseStrictly(std::string_view line, Arena& arena,
                                                 LineNotes& notes) {
  notes.action.clear();
  notes.field.clear();
  notes.unknown_fields.clear();
  notes.nested_fields.clear();
  for (std::string& name : names_) name.clear();
  notes_ = &notes;
  auto action = Parse(line, FileDetail::kAll, arena);
  notes_ = nullptr;
  notes.action = names_[0];
  if (action) return action;
  if (!missing_.empty()) {
    const bool is_led = missing_.starts_with(notes.action + ".");
    notes.field = is_led ? missing_.substr(notes.action.size() + 1) : missing_;
    return action;
  }
  for (std::size_t i = 1; i < depth_; ++i) {
    if (i > 1) notes.field += '.';
    notes.field += names_[i];
  }
  return action;
}

ActionParser::ActionParser() : impl_(std::make_unique<Impl>()) {}
ActionParser::~ActionParser() = default;
ActionParser::ActionParser(ActionParser&&) noexcept = default;
ActionParser& ActionParser::operator=(ActionParser&&) noexcept = default;

Result<Action> ActionParser::Parse(std::string_view line, FileDetail detail, Arena& arena) {
  return impl_->Parse(line, detail, arena);
}

Result<Action> ActionParser::ParseStrictly(std::string_view line, Arena& arena, LineNotes& notes) {
  return impl_->ParseStrictly(line, arena, notes);
}

}  // namespace deltalakedb::protocol
