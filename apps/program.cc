#include "apps/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include "apps/user_text.h"
#include "base/time_text.h"
#include "base/try.h"
#include "deltalakedb/uri.h"

namespace deltalakedb::cli {
namespace {

// What takes a URI, and checks it without quoting it.
constexpr std::array<std::string_view, 6> kUriOptions{"URI",         "CATALOG",    "SOURCE",
                                                      "DESTINATION", "--location", "--against"};
// Texts of the user's own choice, which may be the URI of a database where that shows no password.
constexpr std::array<std::string_view, 4> kFreeOptions{"--operation", "--app-id", "--property",
                                                       "K=V"};

bool Contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// The value of an option in a message.
std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", Shown(text)); }

// A URI that landed in the wrong place would be quoted by whoever refuses it there, or be stored.
// Errors: InvalidArgument.
Result<void> CheckNoUriIsMisplaced(const CLI::App& command) {
  for (const CLI::Option* const option : command.get_options()) {
    const std::string name = option->get_name();
    if (Contains(kUriOptions, name)) continue;
    const bool is_free = Contains(kFreeOptions, name);
    for (const std::string& text : option->results()) {
      if (!IsDatabaseUri(text) || (is_free && RedactUriText(text) == text)) continue;
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} does not take the URI of a database, which {} is", name,
                              RedactUriText(text)));
    }
  }
  return {};
}

std::string Joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

// The command that the arguments reached before something was wrong.
CLI::App* DeepestCommand(CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return app;
}

std::string FullName(CLI::App* command) {
  std::string name = command->get_name();
  for (CLI::App* parent = command->get_parent(); parent != nullptr; parent = parent->get_parent()) {
    name = fmt::format("{} {}", parent->get_name(), name);
  }
  return name;
}

std::string HelpOf(CLI::App* command) {
  return command->help(command->get_parent() == nullptr ? "" : FullName(command->get_parent()));
}

std::vector<std::string> CommandNames(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands([](CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

// What was not expected: options by name, without their values, everything else by number alone.
std::string DescribeExtras(const std::vector<std::string>& extras) {
  std::vector<std::string> options;
  for (const std::string& extra : extras) {
    if (extra.starts_with('-')) options.push_back(RedactUriText(extra.substr(0, extra.find('='))));
  }
  if (!options.empty()) return fmt::format("unknown option {}", Joined(options));
  return fmt::format("{} too many", extras.size() == 1
                                        ? "one argument"
                                        : fmt::format("{} arguments", extras.size()));
}

std::string DescribeMissingCommand(CLI::App* command) {
  const std::vector<std::string> extras = command->remaining();
  const std::string known = Joined(CommandNames(command));
  if (extras.empty()) return fmt::format("a command is missing; there are {}", known);
  if (extras.front().starts_with('-')) return DescribeExtras(extras);
  return fmt::format("there is no command {}; there are {}", Quoted(extras.front()), known);
}

}  // namespace

Program::Program()
    : app_("Delta Lake tables whose transaction log lives in a SQL database or in files.",
           std::string(kProgramName)) {
  app_.require_subcommand(1);
  app_.set_help_flag("-h,--help", "Show this help");
  app_.add_flag("--json", json_flag_, "Print JSON")->disable_flag_override();
  app_.set_version_flag("--version", DELTALAKEDB_VERSION, "Show the program's version")
      ->disable_flag_override();
  app_.footer("Example:\n  deltalakedb snapshot /data/orders");
}

CLI::App* Program::AddCommandTo(CLI::App& parent, const CommandText& text, const Action& action) {
  CLI::App* const command = parent.add_subcommand(text.name, text.summary);
  command->set_help_flag("-h,--help", "Show this help");
  command->footer(fmt::format("Example:\n  {}", text.example));
  if (action) {
    command->add_flag("--json", json_flag_, "Print JSON")->disable_flag_override();
    command->final_callback([this, action] { chosen_ = action; });
  }
  return command;
}

CLI::App* Program::AddCommandGroup(const CommandText& text) {
  CLI::App* const group = AddCommandTo(app_, text, {});
  group->require_subcommand(1);
  return group;
}

Result<Program::Action> Program::Parse(const std::vector<const char*>& words) {
  try {
    app_.parse(static_cast<int>(words.size()), words.data());
    DELTALAKEDB_TRY(CheckNoUriIsMisplaced(*DeepestCommand(&app_)));
    return chosen_;
  } catch (const CLI::CallForHelp&) {
    return [text = HelpOf(DeepestCommand(&app_))](Console& console) -> Result<void> {
      console.out().Append(text);
      return {};
    };
  } catch (const CLI::CallForVersion&) {
    DELTALAKEDB_TRY(CheckVersionAlone());
    return [](Console& console) -> Result<void> {
      console.out().Append(console.json()
                               ? fmt::format("{{\"version\":\"{}\"}}\n", DELTALAKEDB_VERSION)
                               : fmt::format("{} {}\n", kProgramName, DELTALAKEDB_VERSION));
      return {};
    };
  } catch (const CLI::ParseError& error) {
    return Fail(UsageError(error));
  }
}

Result<void> Program::CheckVersionAlone() {
  std::string what;
  if (CLI::App* const command = DeepestCommand(&app_); command != &app_) {
    what = fmt::format(
        "--version before a command shows the program's version; the version of a table goes after "
        "the command, as in `{} snapshot URI --version N`",
        kProgramName);
  } else if (const auto extras = app_.remaining(true); !extras.empty()) {
    what = DescribeExtras(extras);
  } else {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument, fmt::format("{} (see `{} --help`)", what, kProgramName));
}

// CLI11's own messages are used where they hold names of options only, never values.
Error Program::UsageError(const CLI::ParseError& error) {
  CLI::App* const command = DeepestCommand(&app_);
  const bool required = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  std::string what = "the arguments are wrong";
  if (required && command->get_require_subcommand_min() > 0) {
    what = DescribeMissingCommand(command);
  } else if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    what = DescribeExtras(app_.remaining(true));
  } else if (required || dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    what = error.what();
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("{} (see `{} --help`)", what, FullName(command)));
}

bool AsksForJson(const std::vector<const char*>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--") return false;
    if (word == "--json" || word.starts_with("--json=")) return true;
  }
  return false;
}

std::vector<const char*> WordsOf(std::span<const char* const> arguments) {
  // A program may be started without even its name.
  if (arguments.empty()) return {kProgramName.data()};
  std::vector<const char*> words(arguments.begin(), arguments.end());
  const std::string_view path = words.front();
  if (path.substr(path.rfind('/') + 1) == kImportProgramName) {
    words.insert(words.begin() + 1, "import");
  }
  return words;
}

void AddUriArgument(CLI::App& command, std::string& uri) {
  command
      .add_option("URI", uri,
                  "The table: a path, file://…, s3://…, gs://…, abfss://… or deltasql://…")
      ->required()
      ->type_name("");
}

void AddTableArguments(CLI::App& command, TableArguments& arguments) {
  AddUriArgument(command, arguments.uri);
  command.add_option("--version", arguments.version, "Read the table at this version")
      ->type_name("N");
  command
      .add_option("--timestamp", arguments.timestamp,
                  "Read the table as it was at this time, such as 2024-01-02T03:04:05Z")
      ->type_name("RFC3339");
}

Result<TableVersion> ParseTableVersion(const TableArguments& arguments) {
  if (arguments.version && arguments.timestamp) {
    return Fail(ErrorCode::kInvalidArgument,
                "--version and --timestamp both say which version is meant: give one of them");
  }
  if (arguments.version) {
    DELTALAKEDB_ASSIGN(const auto version, ParseNatural("--version", *arguments.version));
    return TableVersion::At(Version(version));
  }
  if (!arguments.timestamp) return TableVersion::Latest();
  DELTALAKEDB_ASSIGN(const auto timestamp,
                     ParseTime("--timestamp", *arguments.timestamp, base::Rounding::kDown));
  return TableVersion::AsOf(timestamp);
}

Result<std::shared_ptr<const Snapshot>> LoadSnapshot(const TableArguments& arguments,
                                                     Console& console) {
  DELTALAKEDB_ASSIGN(const TableVersion which, ParseTableVersion(arguments));
  DELTALAKEDB_ASSIGN(const DeltaTable table,
                     DeltaTable::Open(arguments.uri, {.log_sink = &console}));
  return table.LoadSnapshot(which);
}

Result<TableState> LoadState(const TableArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const TableVersion which, ParseTableVersion(arguments));
  DELTALAKEDB_ASSIGN(const DeltaTable table,
                     DeltaTable::Open(arguments.uri, {.log_sink = &console}));
  return table.LoadState(which);
}

void NoteCommitted(Version version, const std::string& commit_id, Console& console) {
  console.NoteDone(
      fmt::format("version {} is committed under the commit id {}", version.value(), commit_id),
      {{"version", version.value()}, {"commitId", commit_id}});
}

Result<std::int64_t> ParseNatural(std::string_view option, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} needs a whole number from 0 to {}, not {}", option,
                            std::numeric_limits<std::int64_t>::max(), Quoted(text)));
  }
  return value;
}

Result<std::string> ParseCommitId(std::string_view text) {
  constexpr std::string_view kForm = "00000000-0000-0000-0000-000000000000";
  std::string id(text);
  bool is_uuid = id.size() == kForm.size();
  for (std::size_t i = 0; is_uuid && i < id.size(); ++i) {
    char& c = id[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    is_uuid = kForm[i] == '-' ? c == '-' : is_digit;
  }
  if (is_uuid) return id;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--commit-id needs a UUID such as {}, not {}",
                          "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d", Quoted(text)));
}

Result<Timestamp> ParseTime(std::string_view option, std::string_view text,
                            base::Rounding rounding) {
  Result<Timestamp> parsed = base::ParseRfc3339(text, rounding);
  if (!parsed)
    return Fail(std::move(parsed).error().In(fmt::format("{} {}", option, Quoted(text))));
  return parsed;
}

}  // namespace deltalakedb::cli
