#include "protocol/json_document.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <utility>

namespace deltalakedb::protocol {

namespace ondemand = simdjson::ondemand;

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view TrimEnd(std::string_view text) {
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t CountDigits(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  return digits;
}

// RFC 8259, section 6. Numbers are kept as text, so their size does not matter.
bool IsNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t whole = CountDigits(text);
  if (whole == 0 || (whole > 1 && text.front() == '0')) return false;
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t fraction = CountDigits(text);
    if (fraction == 0) return false;
    text.remove_prefix(fraction);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    const std::size_t exponent = CountDigits(text);
    if (exponent == 0) return false;
    text.remove_prefix(exponent);
  }
  return text.empty();
}

}  // namespace

// Walks the on-demand parser over every value and writes the nodes down. Readers answer false after
// a problem; nothing more may be read then.
class JsonDocument::Reader {
 public:
  Reader(std::string_view text, JsonDocument& out) : padded_(text), out_(out) {}

  bool Read() {
    ondemand::parser parser;
    ondemand::document document;
    ondemand::object object;
    if (!Check(parser.iterate(padded_).get(document))) return false;
    const simdjson::error_code opened = document.get_object().get(object);
    if (opened == simdjson::INCORRECT_TYPE) return Problem("is not an object");
    if (!Check(opened)) return false;
    const std::size_t first = std::string_view(padded_).find('{');
    if (first == std::string_view::npos || !AddObject(object, first, 1)) return false;
    const char* trailing = nullptr;
    if (document.current_location().get(trailing) == simdjson::SUCCESS) {
      end_ = static_cast<std::size_t>(trailing - padded_.data());
      return Problem("has more text after its end");
    }
    return true;
  }

  Error ToError() const {
    return Error(code_, fmt::format("the JSON text {} (near byte {})", problem_, end_))
        .With("byteOffset", static_cast<std::int64_t>(end_));
  }

 private:
  bool Problem(std::string_view what, ErrorCode code = ErrorCode::kCorrupt) {
    if (problem_.empty()) {
      problem_ = what;
      code_ = code;
    }
    return false;
  }
  bool Check(simdjson::error_code code) {
    if (code == simdjson::SUCCESS) return true;
    if (code == simdjson::UTF8_ERROR) return Problem("is not UTF-8");
    if (code == simdjson::MEMALLOC) return Problem("needs more memory than there is");
    return Problem(fmt::format("is not valid ({})", simdjson::error_message(code)));
  }

  std::size_t AddNode(JsonKind kind, std::size_t offset, std::size_t length) {
    const std::size_t index = out_.nodes_.size();
    out_.nodes_.push_back({.offset = static_cast<std::uint32_t>(offset),
                           .length = static_cast<std::uint32_t>(length),
                           .kind = kind});
    end_ = offset + length;
    return index;
  }

  // Gives an array or object its end, now that everything inside has been added.
  bool CloseNode(std::size_t index, char bracket) {
    const std::string_view text = padded_;
    while (end_ < text.size() && IsSpace(text[end_])) ++end_;
    if (end_ >= text.size() || text[end_] != bracket) return Problem("is not valid");
    ++end_;
    JsonNode& node = out_.nodes_[index];
    node.length = static_cast<std::uint32_t>(end_ - node.offset);
    node.nodes = static_cast<std::uint32_t>(out_.nodes_.size() - index);
    return true;
  }

  // `content` is what the string at `token` says; it is kept where the text itself does not say it.
  void AddString(std::string_view token, std::string_view content) {
    const std::size_t index = AddNode(JsonKind::kString, OffsetOf(token), token.size());
    if (content.size() + 2 == token.size()) return;  // each escape is longer than what it says
    out_.nodes_[index].unescaped = static_cast<std::int32_t>(out_.unescaped_.size());
    out_.unescaped_.emplace_back(content);
  }

  std::size_t OffsetOf(std::string_view token) const {
    return static_cast<std::size_t>(token.data() - padded_.data());
  }

  bool AddObject(ondemand::object& object, std::size_t offset, std::size_t depth) {
    if (depth > kJsonDepthMax) return TooDeep();
    const std::size_t index = AddNode(JsonKind::kObject, offset, 1);
    for (auto item : object) {
      ondemand::field field;
      if (!Check(std::move(item).get(field))) return false;
      const char* const raw = field.key().raw();  // the byte after the opening quote
      std::string_view name;
      if (!Check(field.unescaped_key().get(name))) return false;
      AddString(RawString(raw - 1), name);
      ondemand::value value = field.value();
      if (!AddValue(value, depth)) return false;
    }
    return CloseNode(index, '}');
  }

  bool AddArray(ondemand::array& array, std::size_t offset, std::size_t depth) {
    if (depth > kJsonDepthMax) return TooDeep();
    const std::size_t index = AddNode(JsonKind::kArray, offset, 1);
    for (auto item : array) {
      ondemand::value value;
      if (!Check(std::move(item).get(value)) || !AddValue(value, depth)) return false;
    }
    return CloseNode(index, ']');
  }

  bool AddValue(ondemand::value& value, std::size_t depth) {
    const std::string_view token = TrimEnd(value.raw_json_token());
    const std::size_t offset = OffsetOf(token);
    ondemand::json_type type = ondemand::json_type::null;
    if (!Check(value.type().get(type))) return false;
    switch (type) {
      case ondemand::json_type::object: {
        ondemand::object object;
        return Check(value.get_object().get(object)) && AddObject(object, offset, depth + 1);
      }
      case ondemand::json_type::array: {
        ondemand::array array;
        return Check(value.get_array().get(array)) && AddArray(array, offset, depth + 1);
      }
      case ondemand::json_type::string: {
        std::string_view content;
        if (!Check(value.get_string().get(content))) return false;
        AddString(token, content);
        return true;
      }
      case ondemand::json_type::number:
        return AddScalar(JsonKind::kNumber, token, IsNumber(token));
      case ondemand::json_type::boolean:
        return AddScalar(JsonKind::kBool, token, token == "true" || token == "false");
      case ondemand::json_type::null:
        return AddScalar(JsonKind::kNull, token, token == "null");
    }
    return Problem("is not valid");
  }

  bool AddScalar(JsonKind kind, std::string_view token, bool valid) {
    AddNode(kind, OffsetOf(token), token.size());
    return valid || Problem("is not valid");
  }

  bool TooDeep() {
    return Problem(fmt::format("is nested more than {} deep", kJsonDepthMax),
                   ErrorCode::kLimitExceeded);
  }

  // The token of a member's name, from its opening to its closing quote.
  static std::string_view RawString(const char* open) {
    const char* close = open + 1;
    while (*close != '"') close += *close == '\\' ? 2 : 1;
    return {open, static_cast<std::size_t>(close + 1 - open)};
  }

  simdjson::padded_string padded_;
  JsonDocument& out_;
  std::size_t end_ = 0;  // of the last value added
  std::string problem_;
  ErrorCode code_ = ErrorCode::kCorrupt;
};

JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::ParseObject(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Fail(Error(ErrorCode::kLimitExceeded,
                      fmt::format("the JSON text is {} bytes long, more than the {} allowed",
                                  text.size(), bytes_max))
                    .With("limit", static_cast<std::int64_t>(bytes_max)));
  }
  JsonDocument document;
  Reader reader(text, document);
  if (!reader.Read()) return Fail(reader.ToError());
  document.text_ = text;
  return document;
}

std::optional<std::string_view> JsonValue::AsString() const {
  if (kind() != JsonKind::kString) return std::nullopt;
  if (node().unescaped >= 0) {
    return document_->unescaped_[static_cast<std::size_t>(node().unescaped)];
  }
  return text().substr(1, node().length - 2);
}

std::optional<bool> JsonValue::AsBool() const {
  if (kind() != JsonKind::kBool) return std::nullopt;
  return text() == "true";
}

std::optional<std::int64_t> JsonValue::AsInt64() const {
  if (kind() != JsonKind::kNumber) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace deltalakedb::protocol
