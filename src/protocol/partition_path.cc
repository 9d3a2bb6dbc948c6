#include "protocol/partition_path.h"

namespace deltalakedb::protocol {
namespace {

constexpr std::string_view kNullPartition = "__HIVE_DEFAULT_PARTITION__";
// What Hive escapes in the name of a folder, control characters apart. `}` is not among it.
constexpr std::string_view kEscapedInFolders = "\"#%'*/:=?\\{[]^";
// What a URI's path cannot hold as it is, control characters apart.
constexpr std::string_view kEscapedInPaths = " \"#%<>?[\\]^`{|}";

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

void AppendEscaped(std::string_view text, std::string_view escaped, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (!IsControl(c) && escaped.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xF];
  }
}

}  // namespace

std::string PartitionDirectory(std::span<const PartitionText> partition) {
  std::string out;
  for (const auto& [column, value] : partition) {
    if (!out.empty()) out += '/';
    AppendEscaped(column, kEscapedInFolders, out);
    out += '=';
    if (value && !value->empty()) {
      AppendEscaped(*value, kEscapedInFolders, out);
    } else {
      out += kNullPartition;
    }
  }
  return out;
}

std::string EncodePath(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  AppendEscaped(path, kEscapedInPaths, out);
  return out;
}

}  // namespace deltalakedb::protocol
