#include "apps/row_change.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <utility>

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

struct NamedCount {
  std::string_view name;  // for people
  std::int64_t count;
};

std::array<NamedCount, 4> RowCounts(const ChangeReport& report) {
  return {{{"rows added", report.rows_added},
           {"rows deleted", report.rows_deleted},
           {"rows updated", report.rows_updated},
           {"rows copied", report.rows_copied}}};
}

void PrintForPeople(const ChangeReport& report, Console& console) {
  const std::int64_t version = report.commit.version.value();
  if (report.commit.is_skipped) {
    console.out().Append(
        fmt::format("skipped: the app transaction is there already, at version {}\n", version));
    return;
  }
  if (!report.has_changed) {
    console.out().Append(
        report.commit.commit_id.empty()
            ? fmt::format("nothing to change: version {} stays the latest\n", version)
            : fmt::format("the commit is there already, as version {}\n", version));
    return;
  }
  FactList facts;
  facts.Add("version", fmt::format("{}", version));
  for (const NamedCount& each : RowCounts(report)) {
    if (each.count != 0) facts.Add(each.name, FormatCount(each.count));
  }
  std::string vectors;
  if (report.vectors_added != 0) {
    vectors = fmt::format(", {} with a new deletion vector", FormatCount(report.vectors_added));
  }
  facts.Add("files",
            fmt::format("{} added ({}), {} removed ({}){}", FormatCount(report.files_added),
                        FormatBytes(report.bytes_added), FormatCount(report.files_removed),
                        FormatBytes(report.bytes_removed), vectors));
  console.out().Append(facts.Format());
}

void WriteChange(const ChangeReport& report, JsonWriter& writer) {
  const auto number = [&](std::string_view name, std::int64_t value) {
    WriteKey(name, writer);
    writer.Int64(value);
  };
  writer.StartObject();
  number("version", report.commit.version.value());
  WriteKey("changed", writer);
  writer.Bool(report.has_changed);
  if (!report.commit.commit_id.empty()) {
    WriteKey("commitId", writer);
    protocol::WriteText(report.commit.commit_id, writer);
  }
  if (report.commit.is_skipped) {
    WriteKey("skipped", writer);
    writer.Bool(true);
  }
  number("filesAdded", report.files_added);
  number("filesRemoved", report.files_removed);
  number("vectorsAdded", report.vectors_added);
  number("rowsAdded", report.rows_added);
  number("rowsDeleted", report.rows_deleted);
  number("rowsUpdated", report.rows_updated);
  number("rowsCopied", report.rows_copied);
  number("bytesAdded", report.bytes_added);
  number("bytesRemoved", report.bytes_removed);
  writer.EndObject();
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

// What is wrong with something that the user gave, rather than with the table or the system.
bool MayQuote(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kNotFound ||
         code == ErrorCode::kUnsupported;
}

}  // namespace

void AddCommitOptions(CLI::App& command, ChangeArguments& arguments) {
  command
      .add_option("--isolation", arguments.isolation,
                  "Serializable, WriteSerializable or SnapshotIsolation (default: the table's "
                  "delta.isolationLevel, else Serializable)")
      ->type_name("LEVEL");
  command
      .add_option("--commit-id", arguments.commit_id,
                  "Names the commit, so that running the command again does not double it")
      ->type_name("UUID");
  command
      .add_option("--app-id", arguments.app_id,
                  "With --app-version: do nothing where the table has as high a version of this "
                  "application")
      ->type_name("A");
  command.add_option("--app-version", arguments.app_version, "See --app-id")->type_name("N");
}

void AddChangeOptions(CLI::App& command, ChangeArguments& arguments) {
  AddCommitOptions(command, arguments);
  command
      .add_option("--target-file-size", arguments.target_file_size,
                  "Bytes at which data files are cut (default: the table's delta.targetFileSize, "
                  "else 128 MiB)")
      ->type_name("BYTES");
}

Result<void> SetChangeOptions(const ChangeArguments& arguments, ChangeOptions& options) {
  if (arguments.isolation) {
    // By the text that may be shown, since the error quotes it.
    DELTALAKEDB_ASSIGN(options.isolation, ParseIsolationLevel(Shown(*arguments.isolation)));
  }
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
  if (arguments.target_file_size) {
    DELTALAKEDB_ASSIGN(options.target_file_bytes,
                       ParseNatural("--target-file-size", *arguments.target_file_size));
    if (options.target_file_bytes == 0) {
      return Fail(ErrorCode::kInvalidArgument, "--target-file-size needs a number above 0");
    }
  }
  return {};
}

Result<void> AnswerChange(const ChangeReport& report, Console& console) {
  const CommitReport& commit = report.commit;
  if (commit.outcome == CommitReport::Outcome::kConflicted) return Fail(*commit.error);
  if (commit.outcome == CommitReport::Outcome::kInDoubt) {
    Error error(ErrorCode::kInDoubt,
                fmt::format("whether the commit is there is not known: run the same command again "
                            "with --commit-id {}, which does not double it",
                            commit.commit_id));
    return Fail(std::move(error).With("commitId", commit.commit_id));
  }
  if (report.has_changed && !commit.is_skipped) {
    NoteCommitted(commit.version, commit.commit_id, console);
  }
  if (console.json()) {
    PrintObject(console.out(), [&](JsonWriter& writer) { WriteChange(report, writer); });
  } else {
    PrintForPeople(report, console);
  }
  return {};
}

Error WithoutPasswords(Error error, std::span<const GivenText> texts) {
  std::string message = error.message();
  std::vector<Error::Fact> facts = error.facts();
  bool has_secret = false;
  for (const GivenText& given : texts) {
    const std::string shown = Shown(given.text);
    if (shown == given.text) continue;
    // A part of the text may be quoted as well, which nobody can find.
    if (MayQuote(error.code())) {
      return {error.code(), fmt::format("{} {} cannot be used here", given.option, shown)};
    }
    has_secret = true;
    ReplaceAll(message, given.text, shown);
    for (auto& [name, value] : facts) {
      if (auto* const text = std::get_if<std::string>(&value)) ReplaceAll(*text, given.text, shown);
    }
  }
  if (!has_secret) return error;
  Error masked(error.code(), std::move(message));
  for (auto& [name, value] : facts) masked.AddFact(std::move(name), std::move(value));
  return masked;
}

Result<DeltaTable> OpenTable(const std::string& uri, Console& console) {
  return DeltaTable::Open(uri, {.log_sink = &console});
}

}  // namespace deltalakedb::cli
