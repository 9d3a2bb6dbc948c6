// Where the program's words go: results to standard output, errors and warnings to standard error,
// for people or as JSON.
//
// Thread-safety: warnings may come from any thread; the rest belongs to the main thread.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "apps/output_stream.h"
#include "deltalakedb/error.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"

namespace deltalakedb::cli {

// The exit status of a command that failed (CLI.md, Output and exit status).
int ExitStatusFor(ErrorCode code);
inline constexpr int kExitAnswerIsNo = 1;
inline constexpr int kExitInterrupted = 130;

// How titles are set off on a terminal; empty texts elsewhere.
struct TitleStyle {
  std::string_view start;
  std::string_view end;
};

class Console : public LogSink {
 public:
  explicit Console(bool json);

  bool json() const { return json_; }
  OutputStream& out() { return out_; }
  const TitleStyle& title_style() const { return title_style_; }

  // The command did what it was asked, and its answer is no, as when verification finds a
  // difference.
  void SetAnswerIsNo() { answer_is_no_ = true; }
  bool answer_is_no() const { return answer_is_no_; }

  // What the command has changed for good, such as "version 3 is committed": should its answer get
  // lost on the way out, the error says that, and has the facts.
  void NoteDone(std::string what, std::vector<Error::Fact> facts);
  // Writes the answer out. Errors: Io.
  Result<void> Finish();

  // One line on standard error. What cannot be written there is lost.
  void ReportError(const Error& error);
  // Shows warnings and drops the rest.
  void Write(LogLevel level, std::string_view message) override;

 private:
  void WriteToStandardError(const std::string& line);

  bool json_;
  bool answer_is_no_ = false;
  std::string done_;
  std::vector<Error::Fact> done_facts_;
  bool colored_errors_;
  TitleStyle title_style_;
  OutputStream out_;
  std::mutex errors_;
};

}  // namespace deltalakedb::cli
