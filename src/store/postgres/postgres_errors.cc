#include "store/postgres/postgres_errors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

namespace deltalakedb::store {

namespace {

constexpr std::size_t kSqlStateBytes = 5;
constexpr std::size_t kClassBytes = 2;

struct Meaning {
  std::string_view sql_state;  // or its class, the first two characters
  ErrorCode code;
  std::string_view advice;
};

// A session whose prepared statements are another's, or gone.
constexpr std::string_view kPoolerAdvice =
    "; a pooler that gives each transaction another server needs the URI's option prepare=off";

// The first that fits counts.
constexpr auto kMeanings = std::to_array<Meaning>({
    {"08", ErrorCode::kUnavailable, ""},
    {"57P01", ErrorCode::kUnavailable, ""},  // admin_shutdown
    {"57P02", ErrorCode::kUnavailable, ""},  // crash_shutdown
    {"57P03", ErrorCode::kUnavailable, ""},  // cannot_connect_now
    {"57P05", ErrorCode::kUnavailable, ""},  // idle_session_timeout
    {"57014", ErrorCode::kUnavailable, "; the URI's option statement_timeout sets the limit"},
    {"55P03", ErrorCode::kBusy, "; another process is working on it: try again when it is done"},
    {"55006", ErrorCode::kBusy, ""},  // object_in_use
    {"40", ErrorCode::kBusy, "; another transaction came between: try again"},
    {"25P03", ErrorCode::kUnavailable, ""},  // idle_in_transaction_session_timeout
    {"25006", ErrorCode::kPermission, "; this server or user can only read"},
    {"28", ErrorCode::kPermission, "; check the user, the password and the server's pg_hba.conf"},
    {"3D000", ErrorCode::kNotFound, "; create it first, deltalakedb makes catalogs in databases"},
    {"42P05", ErrorCode::kInvalidArgument, kPoolerAdvice},  // duplicate_prepared_statement
    {"26000", ErrorCode::kInvalidArgument, kPoolerAdvice},  // invalid_sql_statement_name
    {"42939", ErrorCode::kInvalidArgument, "; give the SQL schema another name"},  // reserved_name
    {"42501", ErrorCode::kPermission, "; the user needs that privilege (docs/schema.md)"},
    {"53100", ErrorCode::kIo, "; make room on the server's disk: nothing was changed"},
    {"53", ErrorCode::kUnavailable, ""},  // insufficient_resources
    {"54", ErrorCode::kLimitExceeded, ""},
    {"58", ErrorCode::kIo, ""},  // system_error
    {"22021", ErrorCode::kUnsupported,
     "; PostgreSQL cannot hold this text: the character U+0000 or bytes that are no UTF-8"},
    {"22P05", ErrorCode::kUnsupported, "; the database has to be of encoding UTF8"},
    {"23", ErrorCode::kCorrupt,
     "; rows of the catalog contradict each other: `deltalakedb verify` tells more"},
    {"3F000", ErrorCode::kNotFound, "; `deltalakedb init` makes the SQL schema"},
    {"42", ErrorCode::kCorrupt,
     "; the catalog's tables are not as this program makes them, or belong to another one"},
    {"0A000", ErrorCode::kUnsupported, ""},
    {"DL", ErrorCode::kAlreadyExists, ""},  // ours: dl_raise
    {"XX001", ErrorCode::kCorrupt, "; restore it from a backup, or import the tables again"},
    {"XX002", ErrorCode::kCorrupt, "; REINDEX mends it"},
});

const Meaning* FindMeaning(std::string_view sql_state) {
  const auto found = std::ranges::find_if(
      kMeanings, [&](const Meaning& meaning) { return sql_state.starts_with(meaning.sql_state); });
  return found == kMeanings.end() ? nullptr : &*found;
}

bool IsSqlState(std::string_view text) {
  return text.size() == kSqlStateBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// Where the SQLSTATE begins in a line "SEVERITY:  SQLSTATE: words".
std::optional<std::size_t> FindSqlState(std::string_view line) {
  constexpr std::string_view kBefore = ":  ";
  for (std::size_t at = line.find(kBefore); at != std::string_view::npos;
       at = line.find(kBefore, at + 1)) {
    const std::size_t begin = at + kBefore.size();
    if (line.size() > begin + kSqlStateBytes && line[begin + kSqlStateBytes] == ':' &&
        IsSqlState(line.substr(begin, kSqlStateBytes))) {
      return begin;
    }
  }
  return std::nullopt;
}

bool IsWordByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace

ErrorCode CodeForSqlState(std::string_view sql_state) {
  if (sql_state.empty()) return ErrorCode::kUnavailable;
  const Meaning* const meaning = FindMeaning(sql_state);
  return meaning == nullptr ? ErrorCode::kInternal : meaning->code;
}

std::string_view AdviceForSqlState(std::string_view sql_state) {
  const Meaning* const meaning = FindMeaning(sql_state);
  return meaning == nullptr ? std::string_view() : meaning->advice;
}

std::string SqlStateIn(std::string_view verbose_message) {
  std::string found;
  while (!verbose_message.empty()) {
    const std::string_view line = TakeLine(verbose_message);
    if (const auto at = FindSqlState(line)) found = line.substr(*at, kSqlStateBytes);
  }
  return found;
}

std::string WordsOf(std::string_view verbose_message) {
  std::string words;
  while (!verbose_message.empty()) {
    std::string_view line = TakeLine(verbose_message);
    if (line.starts_with("LOCATION:")) continue;  // of PostgreSQL's own source
    std::string text(line);
    if (const auto at = FindSqlState(line)) text.erase(*at, kSqlStateBytes + kClassBytes);
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    text.erase(0, begin);
    if (words.find(text) != std::string::npos) continue;
    if (!words.empty()) words += ' ';
    words += text;
  }
  return words;
}

std::string HideSecrets(std::string text, std::span<const Secret> secrets) {
  constexpr std::string_view kMask = "***";
  for (const Secret& secret : secrets) {
    const std::string& hidden = secret.reveal();
    if (hidden.empty()) continue;
    for (std::size_t at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at)) {
      const std::size_t end = at + hidden.size();
      const bool is_inside_word =
          (at > 0 && IsWordByte(text[at - 1])) || (end < text.size() && IsWordByte(text[end]));
      if (hidden.size() < kSecretBytesMin && is_inside_word) {
        ++at;
        continue;
      }
      text.replace(at, hidden.size(), kMask);
      at += kMask.size();
    }
  }
  return text;
}

}  // namespace deltalakedb::store
