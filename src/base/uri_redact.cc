// What may be printed of a text that need not be a URI at all. Where it is in doubt, it hides.
#include <algorithm>
#include <array>

#include "base/uri_internal.h"
#include "deltalakedb/uri.h"

namespace deltalakedb {

using base::CutAtFirst;
using base::kMask;

namespace {

// The part of the text that cannot be a secret because it is one of these.
std::string_view KnownPrefix(std::string_view text) {
  constexpr std::array<std::string_view, 11> kPrefixes = {"deltasql://postgres/",
                                                          "deltasql://postgresql/",
                                                          "deltasql://sqlite/",
                                                          "deltasql://duckdb/",
                                                          "deltasql://",
                                                          "postgres://",
                                                          "postgresql://",
                                                          "file://",
                                                          "s3://",
                                                          "gs://",
                                                          "abfss://"};
  const std::string lower = base::AsciiLowerCase(text);
  for (const std::string_view prefix : kPrefixes) {
    if (lower.starts_with(prefix)) return text.substr(0, prefix.size());
  }
  return "";
}

// Whether what follows a ':' can only be a port, or is a reference, which shows no value.
bool IsHarmlessPort(std::string_view text) {
  const bool is_reference = text.starts_with('$') && base::IsPlainWord(text.substr(1));
  return is_reference || base::ParseNumber(text, 1, 65'535).has_value();
}

// "h1:5432,h2:***"; an address in brackets is hidden with what it may be mistaken for.
std::string RedactHosts(std::string_view hosts) {
  std::string redacted;
  for (std::optional<std::string_view> rest = hosts; rest;) {
    const auto [host, after] = CutAtFirst(*rest, ',');
    const auto [name, port] = CutAtFirst(host, ':');
    redacted += name;
    if (port) {
      redacted += ':';
      redacted += IsHarmlessPort(*port) ? *port : kMask;
    }
    if (after) redacted += ',';
    rest = after;
  }
  return redacted;
}

// Shows options up to the first that is not known; that one's value and the rest are hidden.
std::string RedactQuery(std::string_view query) {
  std::string redacted;
  for (std::optional<std::string_view> rest = query; rest;) {
    const auto [item, after] = CutAtFirst(*rest, '&');
    const auto [name, value] = CutAtFirst(item, '=');
    if (!value || !base::IsOptionName(name)) {
      if (value && base::IsPlainWord(name)) redacted.append(name) += '=';
      return redacted.append(kMask);
    }
    redacted += item;
    if (after) redacted += '&';
    rest = after;
  }
  return redacted;
}

// Hides what follows the word password, as in libpq's `password=…`.
void CutAtPasswordWord(std::string& text) {
  constexpr std::string_view kWord = "password";
  const std::size_t word = base::AsciiLowerCase(text).find(kWord);
  if (word == std::string::npos) return;
  text.resize(word + kWord.size());
  text += kMask;
}

}  // namespace

std::string RedactUriText(std::string_view text) {
  const std::string_view prefix = KnownPrefix(text);
  std::string_view rest = text.substr(prefix.size());
  std::string redacted(prefix);
  // All up to the last '@' may belong to a userinfo, whatever else stands in it.
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    redacted += kMask;
    redacted += '@';
    rest.remove_prefix(at + 1);
  }
  const auto [path, query] = CutAtFirst(rest, '?');
  const std::size_t hosts_end = std::min(path.find('/'), path.size());
  redacted += RedactHosts(path.substr(0, hosts_end));
  redacted += path.substr(hosts_end);
  if (query) redacted.append("?").append(RedactQuery(*query));
  CutAtPasswordWord(redacted);
  std::ranges::replace_if(
      redacted, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return redacted;
}

}  // namespace deltalakedb
