#include <array>
#include <string>

#include "apps/commands.h"
#include "apps/completion.h"
#include "apps/program.h"

namespace deltalakedb::cli {
namespace {

struct Shell {
  std::string name;
  std::string (*script)(const CLI::App&);
  std::string example;
};

}  // namespace

void AddCompletionCommand(Program& program) {
  CLI::App* const group =
      program.AddCommandGroup({"completion", "Print a script that lets a shell complete commands",
                               "source <(deltalakedb completion bash)"});
  const std::array shells{
      Shell{"bash", BashCompletion, "source <(deltalakedb completion bash)"},
      Shell{"zsh", ZshCompletion, "deltalakedb completion zsh > ~/.zfunc/_deltalakedb"},
      Shell{"fish", FishCompletion, "deltalakedb completion fish | source"}};
  for (const Shell& shell : shells) {
    program.AddCommandTo(*group, {shell.name, "Print the script for " + shell.name, shell.example},
                         [&program, script = shell.script](Console& console) -> Result<void> {
                           if (console.json()) {
                             return Fail(
                                 ErrorCode::kInvalidArgument,
                                 "a completion script has no form in JSON: leave --json out");
                           }
                           console.out().Append(script(program.app()));
                           return {};
                         });
  }
}

}  // namespace deltalakedb::cli
