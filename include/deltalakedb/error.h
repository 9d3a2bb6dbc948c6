// Errors of the library: what went wrong, where, and what to do next.
//
// Not for outcomes that are part of normal work: those are values of their own types.
// Thread-safety: a value type; distinct objects may be used from distinct threads.
//
//   deltalakedb::Result<deltalakedb::Version> latest = table.LoadLatestVersion();
//   if (!latest) std::clog << latest.error().message() << '\n';
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace deltalakedb {

// The closed list of kinds of failure. CLI.md maps them to exit statuses.
enum class ErrorCode {
  kInvalidArgument,  // the caller's input is wrong; the same call fails again
  kNotFound,         // table, version, time or file does not exist
  kAlreadyExists,    // a name or version is taken
  kConflict,       // what others committed meanwhile contradicts the commit; read again, then redo
  kInDoubt,        // whether a commit is there could not be found out; make it again with its id
  kUnsupported,    // a protocol version, feature or schema this program does not know
  kCorrupt,        // what was read breaks the Delta protocol
  kPermission,     // the system denied access
  kBusy,           // locked by somebody else; try again later
  kUnavailable,    // a server or store did not answer; try again later
  kIo,             // reading or writing failed
  kLimitExceeded,  // a named limit was hit
  kCancelled,      // the caller asked to stop
  kInternal,       // a bug of ours
};

// Whether the same call can succeed when it is made again unchanged.
enum class RetryAdvice { kNever, kLater };

// "InvalidArgument", "NotFound", … as printed in JSON.
std::string_view ErrorCodeName(ErrorCode code);
RetryAdvice AdviceFor(ErrorCode code);

// An error carries facts (file, line, version, …) beside its message, so that programs need not
// read the message. Facts are never secrets: callers redact before they add.
class Error {
 public:
  using FactValue = std::variant<std::int64_t, std::string>;
  using Fact = std::pair<std::string, FactValue>;

  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  // One sentence that names what is wrong and what to do, led by the contexts added on the way up.
  const std::string& message() const { return message_; }
  // Facts in the order added; names are camelCase as in the JSON output.
  const std::vector<Fact>& facts() const { return facts_; }
  // The fact of that name, or null.
  const FactValue* FindFact(std::string_view name) const;

  // Adds a fact unless one of that name is there: the place nearest to the failure knows best.
  Error& AddFact(std::string name, FactValue value);
  // Puts "<context>: " in front of the message.
  Error& AddContext(std::string_view context);

  // The same for temporaries: `return Error(…).With("line", 3)`.
  Error&& With(std::string name, FactValue value) &&;
  Error&& In(std::string_view context) &&;

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<Fact> facts_;
};

}  // namespace deltalakedb
