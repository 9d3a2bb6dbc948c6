#include "apps/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "apps/output_json.h"
#include "apps/output_text.h"

namespace deltalakedb::cli {
namespace {

constexpr std::string_view kBold = "\x1B[1m";
constexpr std::string_view kRed = "\x1B[1;31m";
constexpr std::string_view kYellow = "\x1B[1;33m";
constexpr std::string_view kPlain = "\x1B[0m";

// Colour is for terminals whose user has not said no (https://no-color.org).
bool WantsColor(int descriptor) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  return !refused && !dumb && isatty(descriptor) == 1;
}

}  // namespace

int ExitStatusFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kLimitExceeded:
      return 2;
    case ErrorCode::kNotFound:
      return 3;
    case ErrorCode::kUnsupported:
      return 4;
    case ErrorCode::kCorrupt:
      return 5;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return 6;
    case ErrorCode::kInDoubt:
      return 8;
    case ErrorCode::kPermission:
    case ErrorCode::kBusy:
    case ErrorCode::kUnavailable:
    case ErrorCode::kIo:
      return 7;
    case ErrorCode::kCancelled:
      return kExitInterrupted;
    case ErrorCode::kInternal:
      return 70;
  }
  return 70;
}

Console::Console(bool json)
    : json_(json),
      colored_errors_(!json && WantsColor(STDERR_FILENO)),
      title_style_(!json && WantsColor(STDOUT_FILENO) ? TitleStyle{kBold, kPlain} : TitleStyle{}),
      out_(STDOUT_FILENO) {}

void Console::NoteDone(std::string what, std::vector<Error::Fact> facts) {
  done_ = std::move(what);
  done_facts_ = std::move(facts);
}

Result<void> Console::Finish() {
  auto finished = out_.Finish();
  if (finished || done_.empty()) return finished;
  Error error = std::move(finished).error();
  error.AddContext(fmt::format("{}, and only the answer is lost", done_));
  for (const auto& [name, value] : done_facts_) error.AddFact(name, value);
  return Fail(std::move(error));
}

void Console::ReportError(const Error& error) {
  WriteToStandardError(json_ ? ErrorLine(error)
                             : fmt::format("{}error:{} {}\n", colored_errors_ ? kRed : "",
                                           colored_errors_ ? kPlain : "",
                                           Printable(error.message())));
}

void Console::Write(LogLevel level, std::string_view message) {
  if (level != LogLevel::kWarning) return;
  WriteToStandardError(json_ ? WarningLine(message)
                             : fmt::format("{}warning:{} {}\n", colored_errors_ ? kYellow : "",
                                           colored_errors_ ? kPlain : "", Printable(message)));
}

void Console::WriteToStandardError(const std::string& line) {
  const std::lock_guard lock(errors_);
  // One write, so that lines of several programs on one terminal do not mix.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace deltalakedb::cli
