// The command line: which commands there are, what they take, and which one was asked for.
//
// To add a command: write Add…Command in a commands_*.cc, declare it in commands.h, call it in
// main.cc. Help and completions follow by themselves.
// Thread-safety: one thread.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/console.h"
#include "base/time_text.h"
#include "deltalakedb/result.h"
#include "deltalakedb/table.h"

namespace deltalakedb::cli {

inline constexpr std::string_view kProgramName = "deltalakedb";
// Another name of the program, which stands for its command `import`.
inline constexpr std::string_view kImportProgramName = "deltalakedb-import";

class Program {
 public:
  using Action = std::function<Result<void>(Console&)>;
  // What a command is called and shown with.
  struct CommandText {
    std::string name;
    std::string summary;  // one line
    std::string example;  // a command line that works, for its help
  };

  Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Adds a command, to the program or below another command, which does nothing by itself then.
  CLI::App* AddCommand(const CommandText& text, const Action& action) {
    return AddCommandTo(app_, text, action);
  }
  CLI::App* AddCommandTo(CLI::App& parent, const CommandText& text, const Action& action);
  CLI::App* AddCommandGroup(const CommandText& text);

  CLI::App& app() { return app_; }

  // Reads the arguments; what is chosen then is what they ask for, help and version included.
  // Errors: InvalidArgument, which quotes no argument that could hold a password.
  Result<Action> Parse(const std::vector<const char*>& words);

 private:
  Error UsageError(const CLI::ParseError& error);
  // Errors: InvalidArgument (something beside the option that shows the program's version).
  Result<void> CheckVersionAlone();

  CLI::App app_;
  Action chosen_;
  bool json_flag_ = false;
};

// Whether the arguments ask for JSON. Known before they are parsed, since errors of the parsing
// itself have to come as JSON too.
bool AsksForJson(const std::vector<const char*>& words);

// The command line with the program's name in front, and after that the command which the name
// stands for.
std::vector<const char*> WordsOf(std::span<const char* const> arguments);

// The table that a command reads and at which version, as the user wrote it.
struct TableArguments {
  std::string uri;
  std::optional<std::string> version;
  std::optional<std::string> timestamp;
};

// The positional URI alone, or with --version and --timestamp.
void AddUriArgument(CLI::App& command, std::string& uri);
void AddTableArguments(CLI::App& command, TableArguments& arguments);

// Which version is meant. Errors: InvalidArgument, naming the option.
Result<TableVersion> ParseTableVersion(const TableArguments& arguments);

// Opens the table and loads the snapshot that is meant. Errors: InvalidArgument (option values),
// and those of DeltaTable.
Result<std::shared_ptr<const Snapshot>> LoadSnapshot(const TableArguments& arguments,
                                                     Console& console);

// The same without its files, also of a table that a catalog has and this program cannot read.
Result<TableState> LoadState(const TableArguments& arguments, Console& console);

// Notes a commit that is durable now (Console::NoteDone).
void NoteCommitted(Version version, const std::string& commit_id, Console& console);

// A whole number of at least zero. Errors: InvalidArgument, naming the option.
Result<std::int64_t> ParseNatural(std::string_view option, std::string_view text);
// The id of a commit, a UUID, in lower case as it is compared and stored. Errors: InvalidArgument.
Result<std::string> ParseCommitId(std::string_view text);
// A moment. Errors: InvalidArgument, naming the option and what is wrong.
Result<Timestamp> ParseTime(std::string_view option, std::string_view text,
                            base::Rounding rounding);

}  // namespace deltalakedb::cli
