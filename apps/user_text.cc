#include "apps/user_text.h"

#include <algorithm>
#include <array>

#include "deltalakedb/uri.h"

namespace deltalakedb::cli {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\v\f";

bool SameLetter(char a, char b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return lower(a) == lower(b);
}

bool StartsWith(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::ranges::equal(text.substr(0, start.size()), start, SameLetter);
}

// Paths that nobody writes a connection string like.
bool IsPlainPath(std::string_view text) {
  return (text.starts_with('/') && !text.starts_with("//")) || text.starts_with("./") ||
         text.starts_with("../");
}

// Where libpq's keyword='value' text has its password.
bool HasPasswordKeyword(std::string_view text) {
  constexpr std::string_view kKeyword = "password";
  for (auto rest = text; !rest.empty();) {
    const auto found = std::ranges::search(rest, kKeyword, SameLetter);
    if (found.empty()) return false;
    rest = {found.end(), rest.end()};
    const std::size_t next = rest.find_first_not_of(kSpaces);
    if (next != std::string_view::npos && rest[next] == '=') return true;
  }
  return false;
}

}  // namespace

std::string Shown(std::string_view text) {
  if (IsPlainPath(text)) return std::string(text);
  const bool may_hold_password =
      text.contains('@') || text.contains("//") || IsDatabaseUri(text) || HasPasswordKeyword(text);
  return may_hold_password ? RedactUriText(text) : std::string(text);
}

bool IsDatabaseUri(std::string_view text) {
  constexpr std::array<std::string_view, 3> kSchemes{"deltasql:/", "postgres:/", "postgresql:/"};
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  return std::ranges::any_of(kSchemes,
                             [&](std::string_view scheme) { return StartsWith(text, scheme); });
}

}  // namespace deltalakedb::cli
