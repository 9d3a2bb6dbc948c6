#include "protocol/paths.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace deltalakedb::protocol {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The length of "scheme:" at the start of a URI (RFC 3986, 3.1), or 0.
std::size_t SchemeLength(std::string_view uri) {
  if (uri.empty() || std::isalpha(static_cast<unsigned char>(uri[0])) == 0) return 0;
  for (std::size_t i = 1; i < uri.size(); ++i) {
    const char c = uri[i];
    if (c == ':') return i + 1;
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '+' && c != '-' && c != '.') break;
  }
  return 0;
}

bool IsScheme(std::string_view scheme, std::string_view lower_case) {
  return std::ranges::equal(scheme, lower_case, {},
                            [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
}

// Schemes that several programs use for one place, each with the one that is canonical.
constexpr auto kSchemeAliases = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"s3a:", "s3:"}, {"s3n:", "s3:"}, {"abfs:", "abfss:"}});

}  // namespace

void AppendPercentDecoded(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  AppendPercentDecoded(text, out);
  return out;
}

void AppendCanonicalPath(std::string_view path, std::string_view table_root, std::string& out) {
  const std::size_t start = out.size();
  std::string_view rest = path;
  const std::size_t scheme_length = SchemeLength(path);
  const std::string_view scheme = path.substr(0, scheme_length);
  const bool is_file = IsScheme(scheme, "file:");
  if (is_file) {
    rest.remove_prefix(scheme_length);
    if (rest.starts_with("//")) {
      rest.remove_prefix(2);
      constexpr std::string_view kLocalhost = "localhost/";
      if (rest.starts_with(kLocalhost)) rest.remove_prefix(kLocalhost.size() - 1);
    }
  }
  const bool is_absolute = is_file || rest.starts_with('/');
  if (is_absolute) out.append("file:");
  for (const auto& [alias, canonical] : kSchemeAliases) {
    if (!IsScheme(scheme, alias) || !rest.substr(scheme_length).starts_with("//")) continue;
    out.append(canonical);
    rest.remove_prefix(scheme_length);
  }
  if (rest.find('%') == std::string_view::npos) {
    out.append(rest);
  } else {
    AppendPercentDecoded(rest, out);
  }
  if (!is_absolute && scheme_length == 0) return;
  const std::string_view canonical = std::string_view(out).substr(start);
  if (!table_root.empty() && canonical.size() > table_root.size() + 1 &&
      canonical.starts_with(table_root) && canonical[table_root.size()] == '/') {
    out.erase(start, table_root.size() + 1);
  }
}

std::string CanonicalRoot(std::string_view folder) {
  while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  if (!folder.starts_with('/')) return std::string(folder);
  return std::string("file:").append(folder == "/" ? "" : folder);
}

std::string CanonicalRootOfLocation(std::string_view location) {
  return CanonicalRoot(location.starts_with('/') ? std::string(location) : PercentDecode(location));
}

}  // namespace deltalakedb::protocol
