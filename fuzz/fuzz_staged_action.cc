// Input: one line of a file of actions to be committed.
#include <string>
#include <string_view>

#include "check.h"
#include "protocol/action_json.h"
#include "protocol/action_shape.h"
#include "protocol/commit_body.h"
#include "protocol/json_document.h"
#include "protocol/staged_actions.h"

namespace {

using namespace deltalakedb;
using namespace deltalakedb::protocol;

// The text of the only action.
std::string TextOf(const StagedActions& staged) {
  const auto body = CommitBody::Make(staged, {});
  FUZZ_CHECK(body.has_value());
  const std::string actions = std::string(body->table_actions()) + std::string(body->files());
  return actions.empty() ? std::string(body->commit_info()) : actions;
}

// Whatever a log would be given can be read from it.
void CheckReadable(std::string_view line) {
  const auto document = JsonDocument::ParseObject(line, kActionLineBytesMax);
  FUZZ_CHECK(document || document.error().code() == ErrorCode::kLimitExceeded);
  const std::string padded = std::string(line) + std::string(kLinePaddingBytes, ' ');
  ActionParser parser;
  Arena arena;
  FUZZ_CHECK(parser.Parse(std::string_view(padded).substr(0, line.size()), FileDetail::kAll, arena)
                 .has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = fuzz::AsText(data, size);
  StagedActions staged;
  if (const auto taken = staged.Take(line, 1); !taken) {
    const ErrorCode code = taken.error().code();
    FUZZ_CHECK(code == ErrorCode::kInvalidArgument || code == ErrorCode::kLimitExceeded);
    FUZZ_CHECK(taken.error().FindFact("line") != nullptr);
    FUZZ_CHECK(staged.empty());
    return 0;
  }
  if (const auto checked = CheckShape(staged, "file:/t"); !checked) {
    const ErrorCode code = checked.error().code();
    FUZZ_CHECK(code == ErrorCode::kInvalidArgument || code == ErrorCode::kLimitExceeded ||
               code == ErrorCode::kUnsupported);
    FUZZ_CHECK(checked.error().FindFact("action") != nullptr);
    FUZZ_CHECK(checked.error().FindFact("field") != nullptr);
  }
  if (staged.empty() && !staged.commit_info()) return 0;
  const std::string text = TextOf(staged);
  FUZZ_CHECK(text.find('\n') == text.size() - 1);
  const std::string_view written = std::string_view(text).substr(0, text.size() - 1);
  CheckReadable(written);
  StagedActions again;
  FUZZ_CHECK(again.Take(written, 1).has_value());
  FUZZ_CHECK(TextOf(again) == text || staged.commit_info().has_value());
  return 0;
}
