// The commands about mirrors.
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "apps/commands.h"
#include "apps/mirror_json.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "apps/user_text.h"
#include "base/time_text.h"
#include "base/try.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/mirror_engine.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;

constexpr std::int64_t kMsPerSecond = 1000;

std::string VersionText(const std::optional<Version>& version) {
  return version ? fmt::format("{}", version->value()) : "none";
}

// ---- add, remove --------------------------------------------------------------------------------

struct AddArguments {
  std::string uri;
  std::string engine;
  std::optional<std::string> to;
  bool absolute_paths = false;
  std::optional<std::string> mode;
  std::optional<std::string> alert_versions;
  std::optional<std::string> alert_seconds;
};

Result<std::optional<std::int64_t>> NaturalOf(std::string_view option,
                                              const std::optional<std::string>& text) {
  if (!text) return std::optional<std::int64_t>();
  DELTALAKEDB_ASSIGN(const std::int64_t number, ParseNatural(option, *text));
  return std::optional(number);
}

// The mirror that a command was about, as it is now.
Result<MirrorInfo> FindMirror(const std::string& uri, const std::string& engine) {
  DELTALAKEDB_ASSIGN(const auto mirrors, ListMirrors(uri));
  DELTALAKEDB_ASSIGN(const std::string name, FindMirrorEngineName(engine));
  for (const MirrorInfo& mirror : mirrors) {
    if (mirror.engine == name) return mirror;
  }
  return Fail(ErrorCode::kNotFound, fmt::format("the {} mirror was removed meanwhile", name));
}

Result<void> Add(const AddArguments& arguments, Console& console) {
  NewMirror mirror;
  mirror.engine = Shown(arguments.engine);  // which an error quotes
  mirror.to = arguments.to;
  mirror.absolute_paths = arguments.absolute_paths;
  if (arguments.mode) {
    DELTALAKEDB_ASSIGN(mirror.mode, ParseTableMode(Shown(*arguments.mode)));
  }
  DELTALAKEDB_ASSIGN(mirror.alert.versions,
                     NaturalOf("--alert-versions", arguments.alert_versions));
  DELTALAKEDB_ASSIGN(mirror.alert.seconds, NaturalOf("--alert-seconds", arguments.alert_seconds));
  DELTALAKEDB_ASSIGN(const bool is_new, AddMirror(arguments.uri, mirror));
  DELTALAKEDB_ASSIGN(const MirrorInfo info, FindMirror(arguments.uri, arguments.engine));
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorInfo(info, writer); });
    return {};
  }
  console.out().Append(
      Printable(fmt::format(
          "table {} has {} {} mirror {} {}; `deltalakedb mirror run` publishes it now", info.table,
          is_new ? "a" : "this", info.engine, is_new ? "at" : "already, at", info.place)) +
      "\n");
  return {};
}

struct MirrorArguments {
  std::string uri;
  std::optional<std::string> engine;
  bool versions = false;
  bool failures = false;
  bool check = false;
  std::optional<std::string> limit;
};

// As an error may quote it.
std::optional<std::string> EngineOf(const std::optional<std::string>& engine) {
  return engine ? std::optional(Shown(*engine)) : std::nullopt;
}

Result<void> Remove(const MirrorArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const auto removed, RemoveMirror(arguments.uri, EngineOf(arguments.engine)));
  for (const MirrorInfo& mirror : removed) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorInfo(mirror, writer); });
      continue;
    }
    console.out().Append(Printable(fmt::format("the {} mirror at {} is no longer kept up; its "
                                               "files stay",
                                               mirror.engine, mirror.place)) +
                         "\n");
  }
  return {};
}

// ---- status, list -------------------------------------------------------------------------------

std::string LagText(const MirrorInfo& mirror) {
  if (mirror.lag_versions == 0) return "none";
  return fmt::format("{} version{}, {:.1f} s", FormatCount(mirror.lag_versions),
                     mirror.lag_versions == 1 ? "" : "s",
                     static_cast<double>(mirror.lag_ms) / kMsPerSecond);
}

std::string StateText(const MirrorInfo& mirror) {
  const bool is_whole = mirror.state == MirrorState::kPending && mirror.lag_versions == 0;
  return is_whole ? "SUCCESS" : std::string(MirrorStateName(mirror.state));
}

void PrintFacts(const MirrorInfo& mirror, Console& console) {
  FactList facts;
  facts.Add("table", Printable(mirror.table));
  facts.Add("engine", Printable(mirror.engine));
  facts.Add("place",
            Printable(mirror.place) + (mirror.absolute_paths ? ", with absolute paths" : ""));
  facts.Add("mode", std::string(TableModeName(mirror.mode)));
  facts.Add("state", StateText(mirror) + (mirror.is_alert ? ", ALERT" : ""));
  facts.Add("published",
            fmt::format("{} of {}", VersionText(mirror.published), mirror.version.value()));
  facts.Add("lag", LagText(mirror));
  if (mirror.checkpoint) facts.Add("checkpoint", VersionText(mirror.checkpoint));
  if (mirror.last_success) {
    facts.Add("last success", base::FormatRfc3339(*mirror.last_success));
  }
  if (mirror.attempts > 0) facts.Add("attempts", FormatCount(mirror.attempts));
  if (mirror.last_error) facts.Add("error", Printable(*mirror.last_error));
  console.out().Append(facts.Format() + "\n");
}

Result<void> PrintVersions(const MirrorArguments& arguments, Console& console) {
  constexpr std::int64_t kLimitDefault = 20;
  DELTALAKEDB_ASSIGN(const auto limit, NaturalOf("--limit", arguments.limit));
  DELTALAKEDB_ASSIGN(const auto versions,
                     ListMirrorVersions(arguments.uri, limit.value_or(kLimitDefault)));
  TextTable table(
      {{"VERSION", Align::kRight}, {"ENGINE"}, {"STATE"}, {"ATTEMPTS", Align::kRight}, {"ERROR"}});
  for (const MirrorVersion& version : versions) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorVersion(version, writer); });
      continue;
    }
    table.AddRow({fmt::format("{}", version.version.value()), Printable(version.engine),
                  std::string(MirrorVersionStateName(version.state)), FormatCount(version.attempts),
                  Printable(version.error.value_or(""))});
  }
  if (!console.json()) {
    console.out().Append(table.Format(console.title_style().start, console.title_style().end));
  }
  return {};
}

Result<void> PrintFailures(const MirrorArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const auto failures, ListMirrorFailures(arguments.uri));
  TextTable table({{"TIME"}, {"ENGINE"}, {"VERSION", Align::kRight}, {"CODE"}, {"ERROR"}});
  for (const MirrorFailure& failure : failures) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorFailure(failure, writer); });
      continue;
    }
    table.AddRow({base::FormatRfc3339(failure.failed_at), Printable(failure.engine),
                  VersionText(failure.version), failure.error_code, Printable(failure.error)});
  }
  if (!console.json()) {
    console.out().Append(table.Format(console.title_style().start, console.title_style().end));
  }
  return {};
}

Result<void> Status(const MirrorArguments& arguments, Console& console) {
  if (arguments.versions) return PrintVersions(arguments, console);
  if (arguments.failures) return PrintFailures(arguments, console);
  DELTALAKEDB_ASSIGN(const auto mirrors, ListMirrors(arguments.uri));
  if (mirrors.empty()) {
    return Fail(ErrorCode::kNotFound,
                "the table has no mirror; `deltalakedb mirror add` makes one");
  }
  for (const MirrorInfo& mirror : mirrors) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorInfo(mirror, writer); });
    } else {
      PrintFacts(mirror, console);
    }
    if (arguments.check && mirror.is_alert) console.SetAnswerIsNo();
  }
  return {};
}

Result<void> List(const MirrorArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const auto mirrors, ListMirrors(arguments.uri));
  TextTable table({{"TABLE"},
                   {"ENGINE"},
                   {"STATE"},
                   {"PUBLISHED", Align::kRight},
                   {"VERSION", Align::kRight},
                   {"LAG"},
                   {"ALERT"},
                   {"PLACE"}});
  for (const MirrorInfo& mirror : mirrors) {
    if (arguments.check && mirror.is_alert) console.SetAnswerIsNo();
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorInfo(mirror, writer); });
      continue;
    }
    table.AddRow({Printable(mirror.table), Printable(mirror.engine), StateText(mirror),
                  VersionText(mirror.published), fmt::format("{}", mirror.version.value()),
                  LagText(mirror), mirror.is_alert ? "yes" : "", Printable(mirror.place)});
  }
  if (!console.json()) {
    console.out().Append(table.Format(console.title_style().start, console.title_style().end));
  }
  return {};
}

// ---- run, verify --------------------------------------------------------------------------------

std::string FormatRun(const MirrorRun& run) {
  if (run.is_busy) {
    return fmt::format("{}: another process is publishing, {} of {} so far", run.engine,
                       VersionText(run.published), run.version.value());
  }
  if (!run.from || !run.published) {
    return fmt::format("{}: already at version {}", run.engine, VersionText(run.published));
  }
  const std::string which =
      *run.from == *run.published
          ? fmt::format("version {}", run.from->value())
          : fmt::format("versions {} to {}", run.from->value(), run.published->value());
  return fmt::format("{}: {} published", run.engine, which);
}

// What a script has to know of several failures: that somebody has to look is more than that it may
// pass.
const MirrorRun* WorstOf(const std::vector<MirrorRun>& runs) {
  const MirrorRun* worst = nullptr;
  for (const MirrorRun& run : runs) {
    if (!run.error) continue;
    const bool is_worse =
        worst == nullptr || ExitStatusFor(run.error->code()) > ExitStatusFor(worst->error->code());
    if (is_worse) worst = &run;
  }
  return worst;
}

Result<void> Run(const MirrorArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(
      const auto runs,
      RunMirrors(arguments.uri, {.engine = EngineOf(arguments.engine), .log_sink = &console}));
  for (const MirrorRun& run : runs) {
    if (console.json()) {
      PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorRun(run, writer); });
    } else if (!run.error) {
      console.out().Append(Printable(FormatRun(run)) + "\n");
    }
  }
  if (const MirrorRun* const worst = WorstOf(runs)) {
    return Fail(Error(*worst->error).In(fmt::format("{} mirror", worst->engine)));
  }
  const auto busy = std::ranges::find(runs, true, &MirrorRun::is_busy);
  if (busy == runs.end()) return {};
  return Fail(ErrorCode::kBusy, fmt::format("another process has been publishing the {} mirror for "
                                            "long; it goes on",
                                            busy->engine));
}

Result<void> Verify(const MirrorArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(
      const auto verifications,
      VerifyMirrors(arguments.uri, {.engine = EngineOf(arguments.engine), .log_sink = &console}));
  for (const MirrorVerification& verification : verifications) {
    if (!verification.differences.empty()) console.SetAnswerIsNo();
    if (console.json()) {
      PrintObject(console.out(),
                  [&](JsonWriter& writer) { WriteMirrorVerification(verification, writer); });
      continue;
    }
    for (const Difference& difference : verification.differences) {
      console.out().Append(
          Printable(fmt::format(
              "{}{}: {}", verification.engine,
              difference.version ? fmt::format(" version {}", difference.version->value()) : "",
              difference.message)) +
          "\n");
    }
    if (verification.differences.empty()) {
      console.out().Append(
          Printable(fmt::format("{}: the same as the catalog up to version {}", verification.engine,
                                VersionText(verification.published))) +
          "\n");
    }
  }
  return {};
}

// ---- sync, repair, watch ------------------------------------------------------------------------

Result<void> Sync(const MirrorArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const ImportReport report, SyncTable(arguments.uri, &console));
  if (!report.differences.empty()) console.SetAnswerIsNo();
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteImportReport(report, writer); });
  } else if (!report.differences.empty()) {
    for (const Difference& difference : report.differences) {
      console.out().Append(Printable(difference.message) + "\n");
    }
  } else if (!report.from_version) {
    console.out().Append(Printable(fmt::format("table {} has everything, up to version {}",
                                               report.table, report.to_version.value())) +
                         "\n");
  } else {
    console.out().Append(fmt::format("{} commit{} taken in, up to version {}\n",
                                     FormatCount(report.commits), report.commits == 1 ? "" : "s",
                                     report.to_version.value()));
  }
  return {};
}

struct RepairArguments {
  std::string uri;
  std::string keep;
  std::optional<std::string> to;
  std::optional<std::string> engine;
};

Result<void> Repair(const RepairArguments& arguments, Console& console) {
  RepairOptions options;
  if (arguments.keep != "database" && arguments.keep != "files") {
    return Fail(ErrorCode::kInvalidArgument, "--keep takes database or files");
  }
  options.keep = arguments.keep == "files" ? RepairKeep::kFiles : RepairKeep::kDatabase;
  options.to = arguments.to;
  options.engine = EngineOf(arguments.engine);
  options.log_sink = &console;
  DELTALAKEDB_ASSIGN(const RepairReport report, RepairMirror(arguments.uri, options));
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteRepairReport(report, writer); });
    return {};
  }
  FactList facts;
  facts.Add("table", Printable(report.table));
  facts.Add("mirror", Printable(report.place));
  facts.Add("published",
            fmt::format("{} of {}", VersionText(report.published), report.version.value()));
  if (report.replaced_table) facts.Add("old table", Printable(*report.replaced_table));
  console.out().Append(facts.Format());
  return {};
}

struct WatchArguments {
  std::string uri;
  std::optional<std::string> interval_ms;
  bool no_sync = false;
  bool once = false;
};

// Ends the service between two versions, as often as somebody asks for it.
std::stop_source& StopSource() {
  static std::stop_source source;
  return source;
}

// Signals come to a thread that waits for them, since nothing that stops the others is safe in a
// handler.
class StopOnSignal {
 public:
  StopOnSignal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::thread([this] {
      int signal = 0;
      sigwait(&signals_, &signal);
      StopSource().request_stop();
    });
  }
  ~StopOnSignal() {
    pthread_kill(thread_.native_handle(), SIGUSR2);  // should none have come
    thread_.join();
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

 private:
  sigset_t signals_{};
  std::thread thread_;
};

void PrintWatched(const MirrorRun& run, Console& console) {
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteMirrorRun(run, writer); });
  } else if (run.error) {
    console.Write(LogLevel::kWarning, fmt::format("table {}: {} mirror: {}", run.table, run.engine,
                                                  run.error->message()));
  } else {
    console.out().Append(Printable(fmt::format("table {}: ", run.table) + FormatRun(run)) + "\n");
  }
  // Whoever reads along sees it now; nobody does when that fails.
  if (!console.out().Flush()) StopSource().request_stop();
}

Result<void> WatchCatalog(const WatchArguments& arguments, Console& console) {
  WatchOptions options;
  if (arguments.interval_ms) {
    DELTALAKEDB_ASSIGN(const std::int64_t ms,
                       ParseNatural("--interval-ms", *arguments.interval_ms));
    options.interval = std::chrono::milliseconds(ms);
  }
  options.sync = !arguments.no_sync;
  options.once = arguments.once;
  std::optional<Error> worst;
  options.on_run = [&](const MirrorRun& run) {
    PrintWatched(run, console);
    if (!run.error) return;
    if (!worst || ExitStatusFor(run.error->code()) > ExitStatusFor(worst->code())) {
      worst = run.error;
    }
  };
  options.log_sink = &console;
  const StopOnSignal stop;
  DELTALAKEDB_TRY(WatchMirrors(arguments.uri, options, StopSource().get_token()));
  // A service tries again; whoever runs it once wants to know.
  return options.once && worst ? Fail(*worst) : Result<void>();
}

// ---- what they take -----------------------------------------------------------------------------

using MirrorAction = Result<void> (*)(const MirrorArguments&, Console&);

CLI::App* AddMirrorCommand(Program& program, CLI::App& group, const Program::CommandText& text,
                           MirrorAction action, const std::shared_ptr<MirrorArguments>& arguments) {
  CLI::App* const command = program.AddCommandTo(
      group, text, [arguments, action](Console& console) { return action(*arguments, console); });
  return command;
}

void AddEngineOption(CLI::App& command, MirrorArguments& arguments) {
  command.add_option("--engine", arguments.engine, "Only this one of the table's mirrors")
      ->type_name("ENGINE");
}

void AddAddCommand(Program& program, CLI::App& group) {
  const auto arguments = std::make_shared<AddArguments>();
  CLI::App* const command = program.AddCommandTo(
      group,
      {"add", "Let other engines see a table",
       "deltalakedb mirror add 'deltasql://sqlite/meta.db?table=orders' delta"},
      [arguments](Console& console) { return Add(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("ENGINE", arguments->engine,
                   "delta (or spark): a _delta_log; duckdb: a file with a view of it")
      ->required()
      ->type_name("");
  command
      ->add_option("--to", arguments->to,
                   "Where the mirror is kept (default: the table's location)")
      ->type_name("PLACE");
  command
      ->add_flag("--absolute-paths", arguments->absolute_paths,
                 "With --to: name files by where they are now")
      ->disable_flag_override();
  command
      ->add_option("--mode", arguments->mode,
                   "exclusive, or shared: other engines write there, too")
      ->type_name("MODE");
  command
      ->add_option("--alert-versions", arguments->alert_versions,
                   "Alert when the mirror lacks more versions")
      ->type_name("N");
  command
      ->add_option("--alert-seconds", arguments->alert_seconds,
                   "Alert when the oldest version that it lacks is older")
      ->type_name("S");
}

void AddStatusCommands(Program& program, CLI::App& group) {
  auto arguments = std::make_shared<MirrorArguments>();
  CLI::App* command =
      AddMirrorCommand(program, group,
                       {"status", "Show how far a table's mirrors are",
                        "deltalakedb mirror status 'deltasql://sqlite/meta.db?table=orders'"},
                       Status, arguments);
  AddUriArgument(*command, arguments->uri);
  command->add_flag("--versions", arguments->versions, "Show the state of each version instead")
      ->disable_flag_override();
  command->add_flag("--failures", arguments->failures, "Show what went wrong instead")
      ->disable_flag_override();
  command
      ->add_option("--limit", arguments->limit,
                   "With --versions: how many, the newest (default 20)")
      ->type_name("N");
  command
      ->add_flag("--check", arguments->check, "Exit with 1 when a mirror is beyond its alert limit")
      ->disable_flag_override();

  arguments = std::make_shared<MirrorArguments>();
  command = AddMirrorCommand(program, group,
                             {"list", "List the mirrors of a catalog",
                              "deltalakedb mirror list deltasql://sqlite/meta.db"},
                             List, arguments);
  command->add_option("CATALOG", arguments->uri, "A deltasql:// URI of a catalog")
      ->required()
      ->type_name("");
  command
      ->add_flag("--check", arguments->check, "Exit with 1 when a mirror is beyond its alert limit")
      ->disable_flag_override();
}

void AddRepairCommand(Program& program, CLI::App& group) {
  const auto arguments = std::make_shared<RepairArguments>();
  CLI::App* const command = program.AddCommandTo(
      group,
      {"repair", "A way out for a mirror that has diverged; nothing is deleted",
       "deltalakedb mirror repair 'deltasql://sqlite/meta.db?table=orders' --keep files"},
      [arguments](Console& console) { return Repair(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--keep", arguments->keep,
                   "database: begin anew at --to; files: import the table anew")
      ->required()
      ->type_name("SIDE");
  command->add_option("--to", arguments->to, "With --keep database: the new place")
      ->type_name("PLACE");
  command
      ->add_option("--engine", arguments->engine,
                   "With --keep database: which of the mirrors (default: delta)")
      ->type_name("ENGINE");
}

void AddWatchCommand(Program& program, CLI::App& group) {
  const auto arguments = std::make_shared<WatchArguments>();
  CLI::App* const command = program.AddCommandTo(
      group,
      {"watch", "Keep all mirrors of a catalog up to date, until interrupted",
       "deltalakedb mirror watch deltasql://sqlite/meta.db"},
      [arguments](Console& console) { return WatchCatalog(*arguments, console); });
  command->add_option("CATALOG", arguments->uri, "A deltasql:// URI of a catalog")
      ->required()
      ->type_name("");
  command
      ->add_option("--interval-ms", arguments->interval_ms,
                   "How often the catalog is asked for new versions (default: 1000)")
      ->type_name("MS");
  command
      ->add_flag("--no-sync", arguments->no_sync,
                 "Do not take in what other engines write at the tables' locations")
      ->disable_flag_override();
  command->add_flag("--once", arguments->once, "End when everything is published, or has failed")
      ->disable_flag_override();
}

}  // namespace

void AddMirrorCommands(Program& program) {
  CLI::App* const group = program.AddCommandGroup(
      {"mirror", "Keep what other engines read in step with a table",
       "deltalakedb mirror status 'deltasql://sqlite/meta.db?table=orders'"});
  AddAddCommand(program, *group);
  AddStatusCommands(program, *group);
  AddRepairCommand(program, *group);
  AddWatchCommand(program, *group);
  const auto sync = std::make_shared<MirrorArguments>();
  AddUriArgument(
      *AddMirrorCommand(program, *group,
                        {"sync", "Take in what other engines have written at a table's location",
                         "deltalakedb mirror sync 'deltasql://sqlite/meta.db?table=orders'"},
                        Sync, sync),
      sync->uri);
  const struct {
    Program::CommandText text;
    MirrorAction action;
  } commands[] = {
      {{"remove", "Stop keeping a mirror up; its files stay",
        "deltalakedb mirror remove 'deltasql://sqlite/meta.db?table=orders'"},
       Remove},
      {{"run", "Publish what a table's mirrors lack, now",
        "deltalakedb mirror run 'deltasql://sqlite/meta.db?table=orders'"},
       Run},
      {{"verify", "Compare a table's mirrors with the catalog",
        "deltalakedb mirror verify 'deltasql://sqlite/meta.db?table=orders'"},
       Verify},
  };
  for (const auto& each : commands) {
    const auto arguments = std::make_shared<MirrorArguments>();
    CLI::App* const command = AddMirrorCommand(program, *group, each.text, each.action, arguments);
    AddUriArgument(*command, arguments->uri);
    AddEngineOption(*command, *arguments);
  }
}

}  // namespace deltalakedb::cli
