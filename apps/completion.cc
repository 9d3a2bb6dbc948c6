#include "apps/completion.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "apps/program.h"

namespace deltalakedb::cli {
namespace {

// A word that may come next, and what it is for.
struct Word {
  std::string text;
  std::string summary;
};

struct OptionShape {
  std::vector<std::string> names;  // with their dashes
  std::string summary;
  bool takes_value = false;
};

// One command of the program, or the program itself, as a shell has to know it.
struct CommandShape {
  std::string path;  // " mirror add"; empty for the program itself
  std::vector<Word> commands;
  std::vector<OptionShape> options;
  bool takes_file = false;

  std::vector<Word> AllWords() const {
    std::vector<Word> words = commands;
    for (const OptionShape& option : options) {
      for (const std::string& name : option.names) words.push_back({name, option.summary});
    }
    return words;
  }
  std::vector<std::string> OptionsWithValue() const {
    std::vector<std::string> names;
    for (const OptionShape& option : options) {
      if (option.takes_value) names.insert(names.end(), option.names.begin(), option.names.end());
    }
    return names;
  }
};

void AppendShapes(const CLI::App& app, const std::string& path, std::vector<CommandShape>& out) {
  CommandShape shape;
  shape.path = path;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      shape.takes_file = true;
      continue;
    }
    OptionShape known;
    for (const std::string& name : option->get_snames()) known.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) known.names.push_back("--" + name);
    known.summary = option->get_description();
    known.takes_value = option->get_items_expected_max() > 0;
    shape.options.push_back(std::move(known));
  }
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : commands) {
    shape.commands.push_back({command->get_name(), command->get_description()});
  }
  out.push_back(std::move(shape));
  for (const CLI::App* command : commands) {
    AppendShapes(*command, fmt::format("{} {}", path, command->get_name()), out);
  }
}

std::vector<CommandShape> ShapesOf(const CLI::App& app) {
  std::vector<CommandShape> shapes;
  AppendShapes(app, "", shapes);
  return shapes;
}

// Text between single quotes, for shells that have no escape inside them (bash, zsh).
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string FishQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// For zsh's _describe, where a colon ends the word.
std::string Described(const Word& word) {
  std::string text;
  for (const char c : word.text) text += c == ':' ? "\\:" : std::string(1, c);
  return Quoted(fmt::format("{}:{}", text, word.summary));
}

// `" history"|" mirror add"`: the patterns of a case that follow the commands typed so far.
std::string PathPatterns(const std::vector<CommandShape>& shapes) {
  std::vector<std::string> patterns;
  for (const CommandShape& shape : shapes) {
    if (!shape.path.empty()) patterns.push_back(Quoted(shape.path));
  }
  return fmt::format("{}", fmt::join(patterns, "|"));
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  const std::vector<CommandShape> shapes = ShapesOf(app);
  std::string cases;
  for (const CommandShape& shape : shapes) {
    std::vector<std::string> words;
    for (const Word& word : shape.AllWords()) words.push_back(word.text);
    cases += fmt::format("    {}) words={} with_value={} takes_file={} ;;\n", Quoted(shape.path),
                         Quoted(fmt::format("{}", fmt::join(words, " "))),
                         Quoted(fmt::format(" {} ", fmt::join(shape.OptionsWithValue(), " "))),
                         shape.takes_file ? "yes" : "no");
  }
  return fmt::format(R"(# bash completion for {0}: source <({0} completion bash)
_{0}() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  local chosen="" words="" with_value="" takes_file=no i
  if [[ "${{COMP_WORDS[0]##*/}}" == {3} ]]; then chosen=" import"; fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$chosen ${{COMP_WORDS[i]}}" in
      {1}) chosen+=" ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$chosen" in
{2}  esac
  COMPREPLY=()
  # Without an answer of ours, readline completes files.
  if [[ "$with_value" == *" $previous "* ]]; then return; fi
  if [[ "$takes_file" == yes && "$current" != -* ]]; then return; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o default -F _{0} {0} {3}
)",
                     app.get_name(), PathPatterns(shapes), cases, kImportProgramName);
}

std::string ZshCompletion(const CLI::App& app) {
  const std::vector<CommandShape> shapes = ShapesOf(app);
  std::string cases;
  for (const CommandShape& shape : shapes) {
    std::vector<std::string> candidates;
    for (const Word& word : shape.AllWords()) candidates.push_back(Described(word));
    std::vector<std::string> with_value;
    for (const std::string& name : shape.OptionsWithValue()) with_value.push_back(Quoted(name));
    cases += fmt::format(
        "    {})\n      candidates=({})\n      with_value=({})\n      takes_file={}\n      ;;\n",
        Quoted(shape.path), fmt::join(candidates, " "), fmt::join(with_value, " "),
        shape.takes_file ? "yes" : "no");
  }
  return fmt::format(R"(#compdef {0} {3}
# zsh completion for {0}: put it as _{0} into a folder of $fpath, or source <({0} completion zsh)
_{0}() {{
  local chosen="" takes_file=no i
  local -a candidates with_value
  if [[ "${{words[1]:t}}" == {3} ]]; then chosen=" import"; fi
  for ((i = 2; i < CURRENT; ++i)); do
    case "$chosen ${{words[i]}}" in
      ({1}) chosen+=" ${{words[i]}}" ;;
    esac
  done
  case "$chosen" in
{2}  esac
  if (( ${{with_value[(Ie)${{words[CURRENT-1]}}]}} )); then _files; return; fi
  if [[ "$takes_file" == yes && "$PREFIX" != -* ]]; then _files; return; fi
  _describe {0} candidates
}}
if [[ "${{funcstack[1]}}" == _{0} ]]; then _{0} "$@"; else compdef _{0} {0} {3}; fi
)",
                     app.get_name(), PathPatterns(shapes), cases, kImportProgramName);
}

std::string FishCompletion(const CLI::App& app) {
  const std::vector<CommandShape> shapes = ShapesOf(app);
  std::vector<std::string> paths;
  std::string lines;
  for (const CommandShape& shape : shapes) {
    if (!shape.path.empty()) paths.push_back(FishQuoted(shape.path));
    const std::string start =
        fmt::format("complete -c {0} -n \"__{0}_at {1}\"", app.get_name(), FishQuoted(shape.path));
    if (!shape.takes_file) lines += start + " -f\n";
    for (const Word& command : shape.commands) {
      lines += fmt::format("{} -a {} -d {}\n", start, FishQuoted(command.text),
                           FishQuoted(command.summary));
    }
    for (const OptionShape& option : shape.options) {
      std::string names;
      for (const std::string& name : option.names) {
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      lines += fmt::format("{}{}{} -d {}\n", start, names, option.takes_value ? " -r" : "",
                           FishQuoted(option.summary));
    }
  }
  return fmt::format(R"(# fish completion for {0}: {0} completion fish | source
function __{0}_at
  set -l chosen ""
  for word in (commandline -opc)[2..-1]
    if contains -- "$chosen $word" {1}
      set chosen "$chosen $word"
    end
  end
  test "$chosen" = "$argv[1]"
end
complete -c {3} -w '{0} import'
{2})",
                     app.get_name(), fmt::join(paths, " "), lines, kImportProgramName);
}

}  // namespace deltalakedb::cli
