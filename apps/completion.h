// Completion scripts for shells, made from the program's own commands and options.
//
// Pure functions of the command line's structure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace deltalakedb::cli {

std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);
std::string FishCompletion(const CLI::App& app);

}  // namespace deltalakedb::cli
