// Input: one line of a commit.
#include <memory>
#include <string>
#include <variant>

#include "check.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/json_document.h"

namespace {

using namespace deltalakedb;
using namespace deltalakedb::protocol;

// An action and the memory that its texts are in. The line is gone by the time it is looked at.
struct Parsed {
  Result<Action> action;
  std::unique_ptr<Arena> arena;
};

Parsed Parse(std::string_view line, FileDetail detail) {
  const std::string padded = std::string(line) + std::string(kLinePaddingBytes, ' ');
  auto arena = std::make_unique<Arena>();
  ActionParser parser;
  Result<Action> action =
      parser.Parse(std::string_view(padded).substr(0, line.size()), detail, *arena);
  return {std::move(action), std::move(arena)};
}

template <typename Write>
std::string Envelope(const char* name, Write write) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  WriteKey(name, writer);
  write(writer);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

// The line that says the action again; empty for those that are only read.
std::string Written(const Action& action) {
  if (const auto* add = std::get_if<AddFile>(&action)) {
    return Envelope("add", [&](JsonWriter& writer) { WriteAdd(*add, writer); });
  }
  if (const auto* metadata = std::get_if<Metadata>(&action)) {
    return Envelope("metaData", [&](JsonWriter& writer) { WriteMetadata(*metadata, writer); });
  }
  if (const auto* protocol = std::get_if<Protocol>(&action)) {
    return Envelope("protocol", [&](JsonWriter& writer) { WriteProtocol(*protocol, writer); });
  }
  if (const auto* info = std::get_if<CommitInfo>(&action)) {
    return Envelope("commitInfo", [&](JsonWriter& writer) { WriteRaw(info->raw, writer); });
  }
  return {};
}

template <typename File>
bool SameIdentity(const File& a, const File& b) {
  return a.path == b.path && a.size == b.size &&
         a.deletion_vector.has_value() == b.deletion_vector.has_value() &&
         (!a.deletion_vector || a.deletion_vector->UniqueId() == b.deletion_vector->UniqueId());
}

// Whatever is taken in full is taken in part, with the same identity.
void CheckDetail(std::string_view line, const Action& whole, FileDetail detail) {
  const Parsed part = Parse(line, detail);
  FUZZ_CHECK(part.action.has_value());
  FUZZ_CHECK(part.action->index() == whole.index());
  if (const auto* add = std::get_if<AddFile>(&whole)) {
    FUZZ_CHECK(SameIdentity(*add, std::get<AddFile>(*part.action)));
  }
  if (const auto* remove = std::get_if<RemoveFile>(&whole)) {
    FUZZ_CHECK(SameIdentity(*remove, std::get<RemoveFile>(*part.action)));
  }
}

// A line that is taken is JSON, by a parser that skips nothing.
void CheckJson(std::string_view line) {
  const auto document = JsonDocument::ParseObject(line, kActionLineBytesMax);
  FUZZ_CHECK(document || document.error().code() == ErrorCode::kLimitExceeded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = fuzz::AsText(data, size);
  const Parsed parsed = Parse(line, FileDetail::kAll);
  if (!parsed.action) {
    const ErrorCode code = parsed.action.error().code();
    FUZZ_CHECK(code == ErrorCode::kCorrupt || code == ErrorCode::kLimitExceeded);
    FUZZ_CHECK(!parsed.action.error().message().empty());
    return 0;
  }
  CheckJson(line);
  CheckDetail(line, *parsed.action, FileDetail::kWithoutStats);
  CheckDetail(line, *parsed.action, FileDetail::kIdentity);
  const std::string written = Written(*parsed.action);
  if (!written.empty()) {
    const Parsed again = Parse(written, FileDetail::kAll);
    FUZZ_CHECK(again.action.has_value());
    FUZZ_CHECK(Written(*again.action) == written);
  }
  return 0;
}
