#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>
#include <variant>
#include <vector>

#include "base/try.h"
#include "base/uri_internal.h"

namespace deltalakedb::base {
namespace {

constexpr std::string_view kTableOption = "table";

using IntField = std::optional<int> UriOptions::*;
using SwitchField = std::optional<bool> UriOptions::*;
using TextField = std::optional<std::string> UriOptions::*;

struct IntRange {
  IntField field;
  int min;
  int max;
  std::string_view unit;
};
struct Switch {  // on or off
  SwitchField field;
};
struct Choice {
  TextField field;
  std::span<const std::string_view> values;
};
struct FreeText {
  TextField field;
  std::size_t bytes_max;
};

struct OptionSpec {
  std::string_view name;
  bool postgres_only;
  // libpq has it too, under this name.
  bool libpq;
  std::variant<IntRange, Switch, Choice, FreeText> value;
};

// PostgreSQL documentation, Parameter Key Words: sslmode and target_session_attrs.
constexpr std::array<std::string_view, 6> kSslModes = {"disable", "allow",     "prefer",
                                                       "require", "verify-ca", "verify-full"};
constexpr std::array<std::string_view, 6> kSessionAttrs = {
    "any", "read-write", "read-only", "primary", "standby", "prefer-standby"};

constexpr int kPoolSizeMax = 1'000;
constexpr int kStatementTimeoutMsMax = 86'400'000;
constexpr int kConnectTimeoutSecondsMax = 3'600;
constexpr int kRetriesMax = 100;

constexpr std::array<OptionSpec, 11> kOptions = {{
    {"pool_size", false, false, IntRange{&UriOptions::pool_size, 1, kPoolSizeMax, "connections"}},
    {"statement_timeout", false, false,
     IntRange{&UriOptions::statement_timeout_ms, 0, kStatementTimeoutMsMax, "milliseconds"}},
    {"retries", false, false, IntRange{&UriOptions::retries, 0, kRetriesMax, "retries"}},
    {"prepare", true, false, Switch{&UriOptions::prepare}},
    {"connect_timeout", true, true,
     IntRange{&UriOptions::connect_timeout_seconds, 1, kConnectTimeoutSecondsMax, "seconds"}},
    {"application_name", true, true,
     FreeText{&UriOptions::application_name, kPostgresNameBytesMax}},
    {"target_session_attrs", true, true, Choice{&UriOptions::target_session_attrs, kSessionAttrs}},
    {"sslmode", true, true, Choice{&UriOptions::ssl_mode, kSslModes}},
    {"sslrootcert", true, true, FreeText{&UriOptions::ssl_root_cert, kUriBytesMax}},
    {"sslcert", true, true, FreeText{&UriOptions::ssl_cert, kUriBytesMax}},
    {"sslkey", true, true, FreeText{&UriOptions::ssl_key, kUriBytesMax}},
}};

std::string_view DatabaseName(UriKind kind) {
  return kind == UriKind::kPostgres ? "PostgreSQL" : kind == UriKind::kSqlite ? "SQLite" : "DuckDB";
}

bool Knows(UriKind kind, const OptionSpec& spec) {
  return kind == UriKind::kPostgres || !spec.postgres_only;
}

std::string KnownOptions(UriKind kind) {
  std::vector<std::string_view> names;
  if (kind != UriKind::kPostgres) names.push_back(kTableOption);
  for (const OptionSpec& spec : kOptions) {
    if (Knows(kind, spec)) names.push_back(spec.name);
  }
  return fmt::format("the known options for {} are {}", DatabaseName(kind), fmt::join(names, ", "));
}

Error MalformedOption(std::string_view fault, UriKind kind) {
  return UriError("options", fmt::format("an option in the URI {}; options are written "
                                         "?name=value&name=value, and {}",
                                         fault, KnownOptions(kind)));
}

Error UnknownOption(std::string_view name, UriKind kind) {
  std::string_view advice;
  if (name == kTableOption) {
    advice = "; the table is the last segment of the path, database/schema/table";
  } else if (name == "password" || name == "user" || name == "host" || name == "port") {
    advice = "; user, password, host and port stand before the path, as user:password@host:port/";
  }
  return UriError("options", fmt::format("the URI has an unknown option {}; {}{}", name,
                                         KnownOptions(kind), advice))
      .With("option", std::string(name));
}

// What a value has to be, as a message says it.
std::string Rule(const OptionSpec& spec) {
  if (const auto* range = std::get_if<IntRange>(&spec.value)) {
    return fmt::format("a whole number of {} from {} to {}", range->unit, range->min, range->max);
  }
  if (const auto* choice = std::get_if<Choice>(&spec.value)) {
    return fmt::format("one of {}", fmt::join(choice->values, ", "));
  }
  if (const auto* text = std::get_if<FreeText>(&spec.value)) {
    return fmt::format("text of at most {} bytes", text->bytes_max);
  }
  return "on or off";
}

Error BadValue(const OptionSpec& spec, UriKind kind) {
  return UriError(spec.name, fmt::format("the URI's option {} must be {}; {}", spec.name,
                                         Rule(spec), KnownOptions(kind)));
}

// Sets the option if the text has its form; whether it is in its range CheckOption says.
bool SetOption(const OptionSpec& spec, std::string_view text, UriOptions& options) {
  if (const auto* range = std::get_if<IntRange>(&spec.value)) {
    const auto number = ParseNumber(text, range->min, range->max);
    if (!number) return false;
    options.*range->field = static_cast<int>(*number);
  } else if (const auto* choice = std::get_if<Choice>(&spec.value)) {
    options.*choice->field = text;
  } else if (const auto* free_text = std::get_if<FreeText>(&spec.value)) {
    options.*free_text->field = text;
  } else {
    if (text != "on" && text != "off") return false;
    options.*std::get<Switch>(spec.value).field = text == "on";
  }
  return true;
}

// The option as it is written after `=`, decoded; nothing when it is not set.
std::optional<std::string> OptionText(const OptionSpec& spec, const UriOptions& options) {
  if (const auto* range = std::get_if<IntRange>(&spec.value)) {
    const std::optional<int>& number = options.*range->field;
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
  }
  if (const auto* choice = std::get_if<Choice>(&spec.value)) return options.*choice->field;
  if (const auto* text = std::get_if<FreeText>(&spec.value)) return options.*text->field;
  const std::optional<bool>& on = options.*std::get<Switch>(spec.value).field;
  return on ? std::optional<std::string>(*on ? "on" : "off") : std::nullopt;
}

// Checks a value that OptionText gave.
Result<void> CheckOption(const OptionSpec& spec, std::string_view value, UriKind kind) {
  if (!Knows(kind, spec)) return Fail(UnknownOption(spec.name, kind));
  if (const auto* range = std::get_if<IntRange>(&spec.value)) {
    if (!ParseNumber(value, range->min, range->max)) return Fail(BadValue(spec, kind));
  } else if (const auto* choice = std::get_if<Choice>(&spec.value)) {
    if (std::ranges::find(choice->values, value) == choice->values.end()) {
      return Fail(BadValue(spec, kind));
    }
  } else if (const auto* text = std::get_if<FreeText>(&spec.value)) {
    return CheckText(value, spec.name, text->bytes_max);
  }
  return {};
}

const OptionSpec* FindOption(std::string_view name) {
  const auto found = std::ranges::find(kOptions, name, &OptionSpec::name);
  return found == kOptions.end() ? nullptr : &*found;
}

Error TwiceGiven(std::string_view name) {
  return UriError(name, fmt::format("the URI gives the option {} twice; leave one out", name));
}

// Takes one `name=value` into the result.
Result<void> TakeOption(std::string_view item, UriKind kind, const Environment& environment,
                        ParsedQuery& parsed) {
  const auto [name, raw_value] = CutAtFirst(item, '=');
  if (item.empty()) return Fail(MalformedOption("is empty", kind));
  if (!raw_value) return Fail(MalformedOption("has no '='", kind));
  if (!IsPlainWord(name)) return Fail(MalformedOption("has a name that no option has", kind));

  if (name == kTableOption && kind != UriKind::kPostgres) {
    if (parsed.table) return Fail(TwiceGiven(name));
    DELTALAKEDB_ASSIGN(ExpandedText value, ExpandPart(*raw_value, name, environment));
    parsed.table = std::move(value.text);
    return {};
  }
  const OptionSpec* spec = FindOption(name);
  if (spec == nullptr || !Knows(kind, *spec)) return Fail(UnknownOption(name, kind));
  if (OptionText(*spec, parsed.options)) return Fail(TwiceGiven(name));
  DELTALAKEDB_ASSIGN(const ExpandedText value, ExpandPart(*raw_value, name, environment));
  if (!SetOption(*spec, value.text, parsed.options)) return Fail(BadValue(*spec, kind));
  return {};
}

}  // namespace

Result<void> CheckOptions(const UriOptions& options, UriKind kind) {
  for (const OptionSpec& spec : kOptions) {
    const std::optional<std::string> value = OptionText(spec, options);
    if (value) DELTALAKEDB_TRY(CheckOption(spec, *value, kind));
  }
  return {};
}

Result<ParsedQuery> ParseQuery(std::string_view query, UriKind kind,
                               const Environment& environment) {
  ParsedQuery parsed;
  // A lone `?` is what a script makes of `$uri?$options` when there are none.
  std::optional<std::string_view> rest = query;
  if (query.empty()) rest = std::nullopt;
  while (rest) {
    const auto [item, after] = CutAtFirst(*rest, '&');
    DELTALAKEDB_TRY(TakeOption(item, kind, environment, parsed));
    rest = after;
  }
  return parsed;
}

std::string QueryText(const UriOptions& options, const std::optional<std::string>& table) {
  std::string text;
  const auto append = [&text](std::string_view name, std::string_view value) {
    text += text.empty() ? '?' : '&';
    text += name;
    text += '=';
    text += PercentEncode(value, "/:");
  };
  if (table) append(kTableOption, *table);
  for (const OptionSpec& spec : kOptions) {
    const std::optional<std::string> value = OptionText(spec, options);
    if (value) append(spec.name, *value);
  }
  return text;
}

void AppendLibpqKeyword(std::string& text, std::string_view key, std::string_view value) {
  if (!text.empty()) text += ' ';
  text += key;
  text += "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  text += '\'';
}

void AppendLibpqOptions(std::string& text, const UriOptions& options) {
  for (const OptionSpec& spec : kOptions) {
    const std::optional<std::string> value = OptionText(spec, options);
    if (spec.libpq && value) AppendLibpqKeyword(text, spec.name, *value);
  }
}

bool IsOptionName(std::string_view name) {
  return name == kTableOption || FindOption(name) != nullptr;
}

}  // namespace deltalakedb::base
