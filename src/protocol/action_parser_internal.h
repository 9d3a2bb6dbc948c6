// The parser of action lines, for the files that it is written in.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/action_json.h"

namespace deltalakedb::protocol {

namespace ondemand = simdjson::ondemand;

// Reads values off the on-demand parser. Every reader answers false after it has written down what
// is wrong; nothing more may be read from the line then.
class ActionParser::Impl {
 public:
  Result<Action> Parse(std::string_view line, FileDetail detail, Arena& arena);
  Result<Action> ParseStrictly(std::string_view line, Arena& arena, LineNotes& notes);

 private:
  // Calls read(name, value, is_null) for every field of an object.
  template <typename Read>
  bool ForEachEntry(ondemand::value& value, Read read);
  // Calls read(name, value) for every field that is not null: a null field is an absent one.
  template <typename Read>
  bool ForEachField(ondemand::value& value, Read read);
  template <typename Read>
  bool ForEachElement(ondemand::value& value, Read read);

  bool ReadText(ondemand::value& value, std::string_view& out);
  bool ReadInt64(ondemand::value& value, std::int64_t& out);
  bool ReadInt32(ondemand::value& value, std::int32_t& out);
  bool ReadBool(ondemand::value& value, bool& out);
  bool ReadRaw(ondemand::value& value, std::string& out);
  bool ReadStrings(ondemand::value& value, std::vector<std::string>& out);
  bool ReadOwnedMap(ondemand::value& value, std::map<std::string, std::string>& out);
  bool ReadMap(ondemand::value& value, Arena& arena, StringMapView& out);
  // Check what is not wanted, so that a line is right or wrong whatever the detail asked for; only
  // the escapes in its texts, which cost as much as reading them, are not looked at.
  bool SkipText(ondemand::value& value);
  bool SkipMap(ondemand::value& value);
  bool ReadDeletionVector(ondemand::value& value, Arena& arena, DeletionVector& out);
  bool CheckUnknown(ondemand::value& value);
  bool KeepUnknown(std::string_view name, ondemand::value& value, UnknownFields& out);

  // Sets `out` from a value that is known not to be null.
  bool ReadInto(ondemand::value& value, std::string& out);
  bool ReadInto(ondemand::value& value, std::int64_t& out) { return ReadInt64(value, out); }
  bool ReadInto(ondemand::value& value, bool& out) { return ReadBool(value, out); }
  template <typename T>
  bool ReadOptional(ondemand::value& value, std::optional<T>& out);
  bool ReadArenaText(ondemand::value& value, Arena& arena, std::string_view& out);

  bool ReadAdd(ondemand::value& value, FileDetail detail, Arena& arena, AddFile& out);
  bool ReadRemove(ondemand::value& value, FileDetail detail, Arena& arena, RemoveFile& out);
  bool ReadCdc(ondemand::value& value, Arena& arena, CdcFile& out);
  bool ReadMetadata(ondemand::value& value, Metadata& out);
  bool ReadFormat(ondemand::value& value, Metadata& out);
  bool ReadProtocol(ondemand::value& value, Protocol& out);
  bool ReadAppTransaction(ondemand::value& value, AppTransaction& out);
  bool ReadDomainMetadata(ondemand::value& value, DomainMetadata& out);
  bool ReadCommitInfo(ondemand::value& value, CommitInfo& out);
  bool ReadCommitInfoField(ondemand::value& value, ondemand::json_type type, CommitInfo& out);
  bool ReadCheckpointMetadata(ondemand::value& value, CheckpointMetadata& out);
  bool ReadSidecar(ondemand::value& value, Sidecar& out);
  bool ReadAction(std::string_view name, ondemand::value& value, FileDetail detail, Arena& arena,
                  std::optional<Action>& out);

  bool Require(bool present, std::string_view field) {
    if (present) return true;
    missing_.assign(field);
    return Problem(fmt::format("its {} is missing", field));
  }
  // What the protocol requires of the object that was just read, and real logs lack.
  bool RequireStrictly(std::string_view object, std::initializer_list<std::string_view> fields);
  bool EnterField(std::string_view name);
  bool NoteField(const std::string& name);
  // The name of the field being read, for messages; empty outside of all.
  std::string_view field() const { return depth_ == 0 ? std::string_view() : names_[depth_ - 1]; }
  bool Problem(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
    return false;
  }
  bool Check(simdjson::error_code code) {
    if (code == simdjson::SUCCESS) return true;
    switch (code) {
      case simdjson::INCORRECT_TYPE:
      case simdjson::NUMBER_ERROR:
      case simdjson::NUMBER_OUT_OF_RANGE:
        return Problem(field().empty() ? "a value has the wrong type"
                                       : fmt::format("its {} has the wrong type", field()));
      case simdjson::UTF8_ERROR:
        return Problem("it is not UTF-8");
      case simdjson::MEMALLOC:
        out_of_memory_ = true;
        return false;
      default:
        return Problem(fmt::format("it is not valid JSON ({})", simdjson::error_message(code)));
    }
  }

  ondemand::parser parser_;
  // The fields that lead to the one being read, the line's action first. Both stay as they are when
  // something is wrong.
  static constexpr std::size_t kDepthMax = 4;  // metaData, format, options, one of them
  std::array<std::string, kDepthMax> names_;
  std::size_t depth_ = 0;
  std::string problem_;
  bool out_of_memory_ = false;
  // Of a line that is parsed strictly.
  LineNotes* notes_ = nullptr;
  std::string missing_;
  bool has_too_many_fields_ = false;
  std::array<std::vector<std::string>, kDepthMax> seen_;  // the fields of each object so far
  std::vector<StringMapEntry> entries_;
};

template <typename Read>
bool ActionParser::Impl::ForEachEntry(ondemand::value& value, Read read) {
  ondemand::object object;
  if (!Check(value.get_object().get(object))) return false;
  ++depth_;
  if (notes_ != nullptr) seen_[depth_ - 1].clear();
  for (auto item : object) {
    ondemand::field field;
    std::string_view name;
    bool is_null = false;
    if (!Check(std::move(item).get(field)) || !Check(field.unescaped_key().get(name)) ||
        !EnterField(name)) {
      return false;
    }
    ondemand::value entry = field.value();
    if (!Check(entry.is_null().get(is_null))) return false;
    if (is_null && notes_ != nullptr) seen_[depth_ - 1].pop_back();  // as if it were not there
    if (!read(name, entry, is_null)) return false;
  }
  --depth_;
  return true;
}

template <typename Read>
bool ActionParser::Impl::ForEachField(ondemand::value& value, Read read) {
  return ForEachEntry(value, [&](std::string_view name, ondemand::value& field, bool is_null) {
    return is_null || read(name, field);
  });
}

template <typename Read>
bool ActionParser::Impl::ForEachElement(ondemand::value& value, Read read) {
  ondemand::array array;
  if (!Check(value.get_array().get(array))) return false;
  for (auto item : array) {
    ondemand::value element;
    if (!Check(std::move(item).get(element)) || !read(element)) return false;
  }
  return true;
}

}  // namespace deltalakedb::protocol
