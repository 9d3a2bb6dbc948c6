#include "mirror/owner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "deltalakedb/ids.h"

namespace deltalakedb::mirror {

namespace {

// The run of the machine, and the process namespace in it. Empty where that cannot be told.
const std::string& Machine() {
  static const std::string machine = [] {
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
    std::error_code failure;
    const auto space = std::filesystem::read_symlink("/proc/self/ns/pid", failure);
    return boot.empty() || failure ? std::string() : boot + " " + space.string();
  }();
  return machine;
}

// When a process began, in the kernel's ticks since the machine did: the 22nd field of its stat
// (proc(5)), the 20th behind the name, which is in brackets. Empty where there is none.
std::string StartOf(std::string_view process) {
  constexpr int kFieldBehindName = 20;
  std::string stat;
  std::getline(std::ifstream(fmt::format("/proc/{}/stat", process)), stat);
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::size_t at = name_end + 1;
  for (int field = 1; field < kFieldBehindName; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string::npos) return {};
  }
  return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

}  // namespace

// "machine|process|start|attempt"
std::string MakeOwner() {
  const std::string process = std::to_string(getpid());
  return fmt::format("{}|{}|{}|{}", Machine(), process, StartOf(process),
                     TableId::MakeRandom().ToString());
}

bool IsOwnerGone(std::string_view owner) {
  const std::string& machine = Machine();
  if (machine.empty() || !owner.starts_with(machine + "|")) return false;
  owner.remove_prefix(machine.size() + 1);
  const std::size_t process_end = owner.find('|');
  if (process_end == std::string_view::npos) return false;
  const std::string_view process = owner.substr(0, process_end);
  const std::string_view rest = owner.substr(process_end + 1);
  const std::string_view start = rest.substr(0, rest.find('|'));
  if (process.empty() || process.find_first_not_of("0123456789") != std::string_view::npos) {
    return false;
  }
  return !start.empty() && StartOf(process) != start;
}

}  // namespace deltalakedb::mirror
