#include "protocol/absolute_paths.h"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/try.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/deletion_vector.h"
#include "protocol/json_document.h"

namespace deltalakedb::protocol {

namespace {

// A part of the record and what is to stand there.
struct Edit {
  std::string_view old_text;  // of the document
  std::string new_text;
};

constexpr auto kFileActions = std::to_array<std::string_view>({"add", "remove", "cdc"});

// Everything but unreserved characters (RFC 3986, 2.3) and slashes.
std::string Encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || std::string_view("-._~/").contains(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::string Quoted(std::string_view text) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  WriteText(text, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::unexpected<Error> Wrong(std::string_view what) {
  return Fail(ErrorCode::kCorrupt, std::string(what));
}

// The member of that name; the last one counts where there are several, as for readers.
std::optional<JsonValue> FindMember(const JsonValue& object, std::string_view name) {
  std::optional<JsonValue> found;
  object.ForEachMember([&](std::string_view key, const JsonValue& value) {
    if (key == name) found = value;
    return true;
  });
  return found;
}

// The URI of the file that a vector of type `u` is in.
Result<std::string> UriOfVector(std::string_view path_or_inline_dv, std::string_view table_uri) {
  const DeletionVector descriptor{.storage_type = "u",
                                  .path_or_inline_dv = path_or_inline_dv,
                                  .offset = std::nullopt,
                                  .size_in_bytes = 0,
                                  .cardinality = 0};
  DELTALAKEDB_ASSIGN(const VectorPlace place, ResolveDeletionVector(descriptor));
  return fmt::format("{}/{}", table_uri, Encoded(std::get<RelativeVectorFile>(place).path));
}

template <typename Action>
Result<void> MakeFileAbsolute(Action& action, std::string_view table_uri, Arena& arena) {
  if (IsRelativePath(action.path)) {
    action.path = arena.Copy(fmt::format("{}/{}", table_uri, action.path));
  }
  if (!action.deletion_vector || action.deletion_vector->storage_type != "u") return {};
  DeletionVector& vector = *action.deletion_vector;
  DELTALAKEDB_ASSIGN(const std::string uri, UriOfVector(vector.path_or_inline_dv, table_uri));
  vector.storage_type = "p";
  vector.path_or_inline_dv = arena.Copy(uri);
  return {};
}

Result<void> EditVector(const JsonValue& vector, std::string_view table_uri,
                        std::vector<Edit>& edits) {
  const auto type = FindMember(vector, "storageType");
  const auto path = FindMember(vector, "pathOrInlineDv");
  if (!type || type->AsString() != "u") return {};
  if (!path || !path->AsString()) return Wrong("deletionVector.pathOrInlineDv is no text");
  DELTALAKEDB_ASSIGN(const std::string uri, UriOfVector(*path->AsString(), table_uri));
  edits.push_back({type->text(), Quoted("p")});
  edits.push_back({path->text(), Quoted(uri)});
  return {};
}

Result<void> EditAction(const JsonValue& action, std::string_view table_uri,
                        std::vector<Edit>& edits) {
  if (const auto path = FindMember(action, "path")) {
    const auto text = path->AsString();
    if (!text) return Wrong("path is no text");
    if (IsRelativePath(*text)) {
      edits.push_back({path->text(), Quoted(fmt::format("{}/{}", table_uri, *text))});
    }
  }
  const auto vector = FindMember(action, "deletionVector");
  if (!vector || !vector->is_object()) return {};
  return EditVector(*vector, table_uri, edits);
}

}  // namespace

std::string UriOfLocation(std::string_view location) {
  while (location.size() > 1 && location.ends_with('/')) location.remove_suffix(1);
  if (!location.starts_with('/')) return std::string(location);
  return "file://" + Encoded(location == "/" ? "" : location);
}

bool IsRelativePath(std::string_view path) {
  if (path.starts_with('/')) return false;
  // A scheme (RFC 3986, 3.1) ends with the first colon, which comes before any slash.
  const std::size_t colon = path.find(':');
  if (colon == std::string_view::npos || colon == 0) return true;
  if (std::isalpha(static_cast<unsigned char>(path[0])) == 0) return true;
  return !std::ranges::all_of(path.substr(0, colon), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  });
}

Result<std::string> WithAbsolutePaths(std::string_view record, std::string_view table_uri) {
  DELTALAKEDB_ASSIGN(const JsonDocument document,
                     JsonDocument::ParseObject(record, kActionLineBytesMax));
  const JsonValue root = document.root();
  std::vector<Edit> edits;
  for (const std::string_view name : kFileActions) {
    const auto action = FindMember(root, name);
    if (action && action->is_object()) DELTALAKEDB_TRY(EditAction(*action, table_uri, edits));
  }
  if (edits.empty()) return std::string(record);
  std::ranges::sort(edits, {}, [](const Edit& edit) { return edit.old_text.data(); });
  // The document is a copy of the record without a byte order mark, so places are counted in it
  // from its object on.
  const std::size_t object_at = record.find('{');
  std::string out(record.substr(0, object_at));
  std::string_view rest = root.text();
  for (const Edit& edit : edits) {
    const auto at = static_cast<std::size_t>(edit.old_text.data() - rest.data());
    out += rest.substr(0, at);
    out += edit.new_text;
    rest.remove_prefix(at + edit.old_text.size());
  }
  out += rest;
  out += record.substr(object_at + root.text().size());
  return out;
}

Result<void> MakeAbsolute(AddFile& add, std::string_view table_uri, Arena& arena) {
  return MakeFileAbsolute(add, table_uri, arena);
}

Result<void> MakeAbsolute(RemoveFile& remove, std::string_view table_uri, Arena& arena) {
  return MakeFileAbsolute(remove, table_uri, arena);
}

}  // namespace deltalakedb::protocol
