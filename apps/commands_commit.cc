// The command that commits given actions.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "apps/commands.h"
#include "apps/input_file.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "apps/user_text.h"
#include "base/try.h"
#include "deltalakedb/transaction.h"

namespace deltalakedb::cli {
namespace {

using protocol::JsonWriter;
using protocol::WriteKey;
using protocol::WriteText;

struct CommitArguments {
  std::string uri;
  std::string actions;
  std::optional<std::string> read_version;
  std::optional<std::string> expect_version;
  std::optional<std::string> isolation;
  std::optional<std::string> reads;
  std::optional<std::string> operation;
  std::optional<std::string> commit_id;
  std::optional<std::string> app_id;
  std::optional<std::string> app_version;
};

Result<std::optional<Version>> VersionOf(std::string_view option,
                                         const std::optional<std::string>& text) {
  if (!text) return std::optional<Version>();
  DELTALAKEDB_ASSIGN(const std::int64_t number, ParseNatural(option, *text));
  return std::optional(Version(number));
}

Result<ReadScope> ScopeOf(const std::optional<std::string>& text) {
  if (!text) return ReadScope::kByActions;
  if (*text == "all") return ReadScope::kWholeTable;
  if (*text == "none") return ReadScope::kNothing;
  return Fail(ErrorCode::kInvalidArgument,
              "--reads takes all or none; expressions are not known yet");
}

Result<TransactionOptions> OptionsOf(const CommitArguments& arguments) {
  TransactionOptions options;
  DELTALAKEDB_ASSIGN(options.read_version, VersionOf("--read-version", arguments.read_version));
  DELTALAKEDB_ASSIGN(options.expected_version,
                     VersionOf("--expect-version", arguments.expect_version));
  if (arguments.isolation) {
    // By the text that may be shown, since the error quotes it.
    DELTALAKEDB_ASSIGN(options.isolation, ParseIsolationLevel(Shown(*arguments.isolation)));
  }
  DELTALAKEDB_ASSIGN(options.reads, ScopeOf(arguments.reads));
  if (arguments.operation) options.operation = *arguments.operation;
  if (arguments.commit_id) {
    DELTALAKEDB_ASSIGN(options.commit_id, ParseCommitId(*arguments.commit_id));
  }
  if (arguments.app_id.has_value() != arguments.app_version.has_value()) {
    return Fail(ErrorCode::kInvalidArgument, "--app-id and --app-version go together");
  }
  if (arguments.app_id) {
    DELTALAKEDB_ASSIGN(const std::int64_t version,
                       ParseNatural("--app-version", *arguments.app_version));
    options.app_transaction = AppTransaction{*arguments.app_id, version, std::nullopt};
  }
  return options;
}

// An error about a line of the actions, which names the line but not the file.
Error InFile(Error error, const InputFile& file) {
  error.AddFact("file", file.fact());
  error.AddContext(file.name());
  return error;
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

// Answers whether there was anything but blank lines. Errors: those of InputFile and of the
// actions; fact file.
Result<bool> TakeActions(InputFile& file, Transaction& transaction) {
  std::string line;
  bool has_any = false;
  for (std::int64_t number = 1;; ++number) {
    DELTALAKEDB_ASSIGN(const bool has_line, file.ReadLine(line));
    if (!has_line) return has_any;
    has_any = has_any || !IsBlank(line);
    if (auto taken = transaction.AddLine(line, number); !taken) {
      return Fail(InFile(std::move(taken).error(), file));
    }
  }
}

// A program in front that died gives nothing, which must not become an empty version.
std::unexpected<Error> NoActions(const InputFile& file) {
  Error error(ErrorCode::kInvalidArgument,
              fmt::format("{} has no action, so that there is nothing to commit; the line "
                          R"({{"commitInfo":{{}}}} asks for a commit without any)",
                          file.name()));
  return Fail(std::move(error).With("file", file.fact()));
}

// What Transaction::Commit finds wrong with a line, as against what it finds in the table's log.
bool IsAboutALine(const Error& error) {
  return error.code() != ErrorCode::kCorrupt && error.FindFact("line") != nullptr &&
         error.FindFact("file") == nullptr;
}

void PrintCommitted(const CommitReport& report, Console& console) {
  const std::int64_t version = report.version.value();
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) {
      writer.StartObject();
      WriteKey("version", writer);
      writer.Int64(version);
      WriteKey("commitId", writer);
      WriteText(report.commit_id, writer);
      if (report.is_skipped) {
        WriteKey("skipped", writer);
        writer.Bool(true);
      }
      writer.EndObject();
    });
  } else if (report.is_skipped) {
    console.out().Append(
        fmt::format("skipped: the app transaction is there already, at version {}\n", version));
  } else if (report.attempts == 0) {
    console.out().Append(fmt::format("the commit is there already, as version {}\n", version));
  } else {
    console.out().Append(fmt::format("version {}\n", version));
  }
}

Result<void> Commit(const CommitArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const TransactionOptions options, OptionsOf(arguments));
  DELTALAKEDB_ASSIGN(InputFile file, InputFile::Open(arguments.actions));
  DELTALAKEDB_ASSIGN(const TableWriter table,
                     TableWriter::Open(arguments.uri, {.log_sink = &console}));
  DELTALAKEDB_ASSIGN(Transaction transaction, table.Begin(options));
  DELTALAKEDB_ASSIGN(const bool has_any, TakeActions(file, transaction));
  if (!has_any && !options.app_transaction) return NoActions(file);
  auto committed = transaction.Commit();
  if (!committed && IsAboutALine(committed.error())) {
    return Fail(InFile(std::move(committed).error(), file));
  }
  DELTALAKEDB_ASSIGN(const CommitReport report, std::move(committed));
  if (report.outcome == CommitReport::Outcome::kConflicted) return Fail(*report.error);
  if (report.outcome == CommitReport::Outcome::kInDoubt) {
    Error error(ErrorCode::kInDoubt,
                fmt::format("whether the commit is there is not known: run the same command again "
                            "with --commit-id {}, which does not double it",
                            report.commit_id));
    return Fail(std::move(error).With("commitId", report.commit_id));
  }
  if (!report.is_skipped) NoteCommitted(report.version, report.commit_id, console);
  PrintCommitted(report, console);
  return {};
}

}  // namespace

void AddCommitCommand(Program& program) {
  const auto arguments = std::make_shared<CommitArguments>();
  CLI::App* const command = program.AddCommand(
      {"commit", "Commit given actions as the next version of a table",
       "deltalakedb commit 'deltasql://sqlite/meta.db?table=orders' --actions new-files.jsonl"},
      [arguments](Console& console) { return Commit(*arguments, console); });
  AddUriArgument(*command, arguments->uri);
  command
      ->add_option("--actions", arguments->actions,
                   "The actions, one in each line as in a commit's file; - is standard input")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--read-version", arguments->read_version,
                   "What the actions are made from (default: the latest); later commits are looked "
                   "at, and the commit comes behind them where Delta's rules allow")
      ->type_name("N");
  command
      ->add_option("--expect-version", arguments->expect_version,
                   "Commit version N + 1, or nothing")
      ->type_name("N");
  command
      ->add_option("--isolation", arguments->isolation,
                   "Serializable, WriteSerializable or SnapshotIsolation (default: the table's "
                   "delta.isolationLevel, else Serializable)")
      ->type_name("LEVEL");
  command
      ->add_option("--reads", arguments->reads,
                   "What the actions depend on: all or none (default: none where they only add "
                   "files, else all)")
      ->type_name("WHAT");
  command->add_option("--operation", arguments->operation, "What history shows (default: WRITE)")
      ->type_name("NAME");
  command
      ->add_option("--commit-id", arguments->commit_id,
                   "Names the commit, so that running the command again does not double it")
      ->type_name("UUID");
  command
      ->add_option("--app-id", arguments->app_id,
                   "With --app-version: skip the commit where the table has as high a version of "
                   "this application")
      ->type_name("A");
  command->add_option("--app-version", arguments->app_version, "See --app-id")->type_name("N");
}

}  // namespace deltalakedb::cli
