// What the commands that change rows share: their options, and how they tell what they did.
//
// Thread-safety: one thread.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/console.h"
#include "deltalakedb/result.h"
#include "deltalakedb/table.h"

namespace deltalakedb::cli {

struct ChangeArguments {
  std::optional<std::string> isolation;
  std::optional<std::string> commit_id;
  std::optional<std::string> app_id;
  std::optional<std::string> app_version;
  std::optional<std::string> target_file_size;
};

void AddChangeOptions(CLI::App& command, ChangeArguments& arguments);
// Of commands that write no data files of a size to choose: the same without --target-file-size.
void AddCommitOptions(CLI::App& command, ChangeArguments& arguments);
// Errors: InvalidArgument, naming the option.
Result<void> SetChangeOptions(const ChangeArguments& arguments, ChangeOptions& options);

// Says what came of a change, or is the error that came of it: a conflict, or that nobody knows.
Result<void> AnswerChange(const ChangeReport& report, Console& console);

// A text of the user's own that a failure may quote.
struct GivenText {
  std::string_view option;
  std::string_view text;
};
// The error as it may be shown: texts that could hold a password are masked, and where one of them
// is what is wrong nothing else is quoted.
Error WithoutPasswords(Error error, std::span<const GivenText> texts);

// Opens the table for a change.
Result<DeltaTable> OpenTable(const std::string& uri, Console& console);

}  // namespace deltalakedb::cli
