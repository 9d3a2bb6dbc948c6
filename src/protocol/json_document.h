// A whole JSON text taken apart, each value with its verbatim text: for texts that are read once
// and whose members may come in any order, such as a schema. Log lines have their own parser.
//
// Stricter than simdjson's on-demand parser by itself: everything is checked, nothing is skipped
// but a byte order mark in front.
// Thread-safety: immutable once parsed. Values point into their document and die with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

// Nesting of arrays and objects. Below the 1,024 that simdjson can take.
inline constexpr std::size_t kJsonDepthMax = 1'000;

enum class JsonKind : std::uint8_t { kObject, kArray, kString, kNumber, kBool, kNull };

// Internal to JsonDocument: one value, in the order of the text.
struct JsonNode {
  std::uint32_t offset = 0;     // of the value's first byte in the document
  std::uint32_t length = 0;     // bytes of the value's text
  std::uint32_t nodes = 1;      // this one and all inside it
  std::int32_t unescaped = -1;  // index of a string's content where it has escapes
  JsonKind kind = JsonKind::kNull;
};

class JsonDocument;

// One value of a document. Cheap to copy.
class JsonValue {
 public:
  JsonKind kind() const { return node().kind; }
  bool is_object() const { return kind() == JsonKind::kObject; }
  bool is_array() const { return kind() == JsonKind::kArray; }
  bool is_null() const { return kind() == JsonKind::kNull; }
  // As it stands in the document, without white space around it.
  std::string_view text() const;
  // What a string says, escapes resolved; nullopt for another kind.
  std::optional<std::string_view> AsString() const;
  std::optional<bool> AsBool() const;
  // A number that is written as an integer and fits; nullopt otherwise.
  std::optional<std::int64_t> AsInt64() const;

  // Calls visit(element) for each element of an array until it answers false; answers whether all
  // were visited. For an object the elements are name, value, name, value, …
  template <typename Visit>
  bool ForEachElement(Visit visit) const;
  // Calls visit(name, value) for each member of an object, likewise.
  template <typename Visit>
  bool ForEachMember(Visit visit) const;

 private:
  friend class JsonDocument;
  JsonValue(const JsonDocument* document, std::size_t index) : document_(document), index_(index) {}
  const JsonNode& node() const;

  const JsonDocument* document_;
  std::size_t index_;
};

class JsonDocument {
 public:
  // Errors: Corrupt (not JSON or not UTF-8, with the byte offset; or not an object),
  // LimitExceeded (longer than `bytes_max`, which must fit 32 bits, or nested beyond
  // kJsonDepthMax).
  static Result<JsonDocument> ParseObject(std::string_view text, std::size_t bytes_max);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue root() const { return JsonValue(this, 0); }

 private:
  friend class JsonValue;
  class Reader;
  JsonDocument() = default;

  std::string text_;
  std::vector<JsonNode> nodes_;
  std::deque<std::string> unescaped_;
};

inline const JsonNode& JsonValue::node() const { return document_->nodes_[index_]; }

inline std::string_view JsonValue::text() const {
  return std::string_view(document_->text_).substr(node().offset, node().length);
}

template <typename Visit>
bool JsonValue::ForEachElement(Visit visit) const {
  const std::size_t end = index_ + node().nodes;
  for (std::size_t i = index_ + 1; i < end; i += document_->nodes_[i].nodes) {
    if (!visit(JsonValue(document_, i))) return false;
  }
  return true;
}

template <typename Visit>
bool JsonValue::ForEachMember(Visit visit) const {
  const std::size_t end = index_ + node().nodes;
  for (std::size_t i = index_ + 1; i < end; i += 1 + document_->nodes_[i + 1].nodes) {
    if (!visit(*JsonValue(document_, i).AsString(), JsonValue(document_, i + 1))) return false;
  }
  return true;
}

}  // namespace deltalakedb::protocol
