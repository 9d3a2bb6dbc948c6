// What a commit changes in the text of a schema, which is otherwise kept byte for byte
// (PROTOCOL.md, Partition values and schema).
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "deltalakedb/schema.h"
#include "protocol/column_changes.h"
#include "protocol/excerpt.h"
#include "protocol/json_document.h"
#include "protocol/number_text.h"
#include "txn/metadata_diff_internal.h"
#include "txn/rebase.h"

namespace deltalakedb::txn {

namespace {

using protocol::JsonDocument;
using protocol::JsonValue;
using protocol::kIdentityMark;
using protocol::kIdentityStep;
using protocol::kTypeChanges;

constexpr std::string_view kTableVersion = "tableVersion";

std::optional<std::int64_t> MetadataNumber(const Field& field, std::string_view key) {
  const std::string* const json = field.FindMetadata(key);
  return json == nullptr ? std::nullopt : protocol::ParseInt(*json);
}

// What to put in place of some bytes of a text.
struct Splice {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string text;
};

// The mark that a column has to get, or nullopt when its own is far enough.
std::optional<std::int64_t> FurtherMark(const Field& ours, const Field& theirs) {
  const auto their_mark = MetadataNumber(theirs, kIdentityMark);
  if (!their_mark) return std::nullopt;
  const auto our_mark = MetadataNumber(ours, kIdentityMark);
  const bool goes_down = MetadataNumber(ours, kIdentityStep).value_or(1) < 0;
  const bool is_further =
      !our_mark || (goes_down ? *their_mark < *our_mark : *their_mark > *our_mark);
  return is_further ? their_mark : std::nullopt;
}

// Where the columns' objects are in the schema's text, in order.
std::vector<JsonValue> ColumnObjects(JsonValue schema) {
  std::vector<JsonValue> columns;
  schema.ForEachMember([&](std::string_view name, JsonValue value) {
    if (name != "fields") return true;
    columns.clear();
    value.ForEachElement([&](JsonValue column) {
      columns.push_back(column);
      return true;
    });
    return true;
  });
  return columns;
}

std::optional<JsonValue> FindMember(JsonValue object, std::string_view name) {
  std::optional<JsonValue> found;
  object.ForEachMember([&](std::string_view member, JsonValue value) {
    if (member == name) found = value;
    return true;
  });
  return found;
}

// Calls visit(changes) for the type changes of every field, nested ones included.
template <typename Visit>
void ForEachTypeChanges(JsonValue value, const Visit& visit) {
  if (value.is_array()) {
    value.ForEachElement([&](JsonValue element) {
      ForEachTypeChanges(element, visit);
      return true;
    });
  } else if (value.is_object()) {
    value.ForEachMember([&](std::string_view name, JsonValue member) {
      if (name == kTypeChanges && member.is_array()) {
        visit(member);
      } else {
        ForEachTypeChanges(member, visit);
      }
      return true;
    });
  }
}

// Where a part of the parsed document is in its text.
std::size_t OffsetOf(std::string_view part, std::string_view text, const JsonDocument& document) {
  return text.find('{') + static_cast<std::size_t>(part.data() - document.root().text().data());
}

// The text with the splices, which are in its order.
std::string Spliced(std::string_view text, const std::vector<Splice>& splices) {
  std::string result;
  std::size_t done = 0;
  for (const Splice& splice : splices) {
    result.append(text.substr(done, splice.offset - done)).append(splice.text);
    done = splice.offset + splice.length;
  }
  return result.append(text.substr(done));
}

}  // namespace

Result<bool> DifferOnlyInIdentity(const Metadata& before, const Metadata& after) {
  if (!AreEqualButConfigurationAndSchema(before, after) ||
      before.configuration != after.configuration) {
    return false;
  }
  if (before.schema_string == after.schema_string) return true;
  DELTALAKEDB_ASSIGN(const Schema schema_before, Schema::Parse(before.schema_string.value_or("")));
  DELTALAKEDB_ASSIGN(const Schema schema_after, Schema::Parse(after.schema_string.value_or("")));
  return std::ranges::equal(
      schema_before.fields(), schema_after.fields(), [](const Field& a, const Field& b) {
        return a.name() == b.name() && a.type() == b.type() && a.nullable() == b.nullable() &&
               HaveEqualMetadataBut({&kIdentityMark, 1}, a, b);
      });
}

Result<std::string> MergeIdentityHighWaterMarks(std::string_view ours, std::string_view theirs) {
  DELTALAKEDB_ASSIGN(const Schema our_schema, Schema::Parse(ours));
  DELTALAKEDB_ASSIGN(const Schema their_schema, Schema::Parse(theirs));
  DELTALAKEDB_ASSIGN(const JsonDocument document,
                     JsonDocument::ParseObject(ours, kSchemaTextBytesMax));
  const std::vector<JsonValue> objects = ColumnObjects(document.root());
  std::vector<Splice> splices;
  for (std::size_t i = 0; i < objects.size() && i < our_schema.fields().size(); ++i) {
    const Field& column = our_schema.fields()[i];
    const Field* const same = their_schema.FindField(column.name());
    const auto metadata = FindMember(objects[i], "metadata");
    if (same == nullptr || !metadata || column.FindMetadata(kIdentityStep) == nullptr) continue;
    const auto mark = FurtherMark(column, *same);
    if (!mark) continue;
    if (const auto old = FindMember(*metadata, kIdentityMark)) {
      splices.push_back(
          {OffsetOf(old->text(), ours, document), old->text().size(), std::to_string(*mark)});
    } else {
      // Its metadata are not empty: there is a step.
      splices.push_back({OffsetOf(metadata->text(), ours, document) + 1, 0,
                         fmt::format(R"("{}":{},)", kIdentityMark, *mark)});
    }
  }
  return Spliced(ours, splices);
}

Result<std::string> MoveTypeChanges(std::string_view schema, Version from, Version to) {
  // Nearly every schema has none, and need not be taken apart.
  if (schema.find(kTableVersion) == std::string_view::npos) return std::string(schema);
  DELTALAKEDB_ASSIGN(const JsonDocument document,
                     JsonDocument::ParseObject(schema, kSchemaTextBytesMax));
  std::vector<Splice> splices;
  const auto move = [&](JsonValue change) {
    const auto version = change.is_object() ? FindMember(change, kTableVersion) : std::nullopt;
    if (version && version->AsInt64() == from.value()) {
      splices.push_back({OffsetOf(version->text(), schema, document), version->text().size(),
                         std::to_string(to.value())});
    }
    return true;
  };
  ForEachTypeChanges(document.root(), [&](JsonValue changes) { changes.ForEachElement(move); });
  return Spliced(schema, splices);
}

}  // namespace deltalakedb::txn
