#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "apps/commands.h"
#include "apps/console.h"
#include "apps/program.h"
#include "base/try.h"

namespace deltalakedb::cli {
namespace {

// A descriptor that the caller closed would be given to the next file that is opened, which would
// then get our output. Opened for reading, writing to it fails as it should.
void KeepStandardDescriptorsTaken() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) == -1) {
      [[maybe_unused]] const int opened = open("/dev/null", O_RDONLY);
    }
  }
}

void HandleSignals() {
  // OutputStream notices a broken pipe by itself.
  std::signal(SIGPIPE, SIG_IGN);
  // A file beyond the shell's limit is an error of that write, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  // A shell starts background commands with interrupts ignored; they stay so.
  struct sigaction before = {};
  sigaction(SIGINT, nullptr, &before);
  if (before.sa_handler != SIG_IGN) std::signal(SIGINT, [](int) { _exit(kExitInterrupted); });
}

void AddCommands(Program& program) {
  AddInitCommand(program);
  AddMigrateCommands(program);
  AddImportCommand(program);
  AddExportCommand(program);
  AddCreateCommand(program);
  AddCommitCommand(program);
  AddSetPropertiesCommand(program);
  AddAppendCommand(program);
  AddOverwriteCommand(program);
  AddScanCommand(program);
  AddDeleteCommand(program);
  AddUpdateCommand(program);
  AddMergeCommand(program);
  AddOptimizeCommand(program);
  AddVacuumCommand(program);
  AddRestoreCommand(program);
  AddAddColumnsCommand(program);
  AddDropCommand(program);
  AddMirrorCommands(program);
  AddTablesCommand(program);
  AddHistoryCommand(program);
  AddSnapshotCommand(program);
  AddFilesCommand(program);
  AddSchemaCommand(program);
  AddProtocolCommand(program);
  AddPropertiesCommand(program);
  AddVerifyCommand(program);
  AddReindexCommand(program);
  AddCompletionCommand(program);
}

Result<void> Run(const std::vector<const char*>& arguments, Console& console) {
  try {
    Program program;
    AddCommands(program);
    DELTALAKEDB_ASSIGN(const auto action, program.Parse(arguments));
    DELTALAKEDB_TRY(action(console));
    return console.Finish();
  } catch (const std::bad_alloc&) {
    return Fail(ErrorCode::kUnavailable, "there is not enough memory");
  } catch (const std::system_error& error) {
    return Fail(ErrorCode::kUnavailable,
                std::string("the system gives no more resources: ").append(error.what()));
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal,
                std::string("this is a bug of deltalakedb: ").append(error.what()));
  }
}

}  // namespace
}  // namespace deltalakedb::cli

int main(int argument_count, char** arguments) {
  using namespace deltalakedb::cli;
  KeepStandardDescriptorsTaken();
  HandleSignals();
  const auto words = WordsOf({arguments, static_cast<std::size_t>(argument_count)});
  Console console(AsksForJson(words));
  const auto result = Run(words, console);
  if (result) return console.answer_is_no() ? kExitAnswerIsNo : 0;
  console.ReportError(result.error());
  return ExitStatusFor(result.error().code());
}
