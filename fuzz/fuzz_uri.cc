// URIs from any bytes. The first byte chooses how the others are used; what is checked is that a
// URI survives its own text, that values of variables are taken as they are, and that nothing which
// may be printed shows a password (URI-5, URI-6, URI-9).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "deltalakedb/uri.h"

namespace {

using deltalakedb::Environment;
using deltalakedb::Error;
using deltalakedb::PostgresParts;
using deltalakedb::Result;
using deltalakedb::Secret;
using deltalakedb::Uri;

constexpr std::string_view kNeedle = "Xyzzy7Plugh9";

void Require(bool holds) {
  if (!holds) std::abort();
}

bool Shows(std::string_view text) { return text.find(kNeedle) != std::string_view::npos; }

bool Shows(const Error& error) {
  return Shows(error.message()) || std::ranges::any_of(error.facts(), [](const Error::Fact& fact) {
           const auto* text = std::get_if<std::string>(&fact.second);
           return text != nullptr && Shows(*text);
         });
}

std::optional<std::string> NoVariables(std::string_view) { return std::nullopt; }

void CheckRoundTrip(const Uri& uri) {
  const Secret text = uri.ToStringWithPassword();
  const Result<Uri> again = Uri::Parse(text.reveal(), NoVariables);
  // Encoding can make a text three times as long, and more than Parse takes.
  if (!again && text.reveal().size() > deltalakedb::kUriBytesMax) return;
  Require(again.has_value() && *again == uri);
  Require(again->ToStringWithPassword() == text);

  const bool hides = uri.postgres() != nullptr && uri.postgres()->password.has_value();
  const Result<Uri> printed = Uri::Parse(uri.ToString(), NoVariables);
  Require(!hides || !printed.has_value());
  const bool has_mask = uri.ToString().find("***") != std::string::npos;
  Require(has_mask || (printed.has_value() && *printed == uri));
  Require(uri.RequireTable().has_value() || uri.RequireCatalog().has_value());
  Require(uri.ClientConnectionString().has_value() == uri.is_database());
}

void CheckError(const Error& error) {
  Require(error.code() == deltalakedb::ErrorCode::kInvalidArgument);
  Require(error.FindFact("uriPart") != nullptr);
}

// The bytes are the URI.
void FuzzText(std::string_view text) {
  const Environment environment = [](std::string_view name) {
    return name == "A" ? std::optional<std::string>("a/@?%41:&=") : std::nullopt;
  };
  const Result<Uri> uri = Uri::Parse(text, environment);
  if (uri) {
    CheckRoundTrip(*uri);
  } else {
    CheckError(uri.error());
  }
  deltalakedb::RedactUriText(text);
}

bool IsNameByte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// `$NAME` and `${NAME}` name a variable, which errors may do too, if the whole password is one or
// braces say so.
bool MayNameAVariable(std::string_view before, std::string_view after) {
  const std::size_t dollar = before.rfind('$');
  if (dollar == std::string_view::npos) return false;
  std::string_view name = before.substr(dollar + 1);
  if (name.starts_with('{')) {
    name.remove_prefix(1);
    return std::ranges::all_of(name, IsNameByte);
  }
  return dollar == 0 && std::ranges::all_of(name, IsNameByte) &&
         std::ranges::all_of(after, IsNameByte);
}

// The bytes are around the needle in a password that somebody typed as it is.
void FuzzRawPassword(std::string_view bytes) {
  const std::string_view before = bytes.substr(0, bytes.size() / 2);
  const std::string_view after = bytes.substr(before.size());
  std::string text = "deltasql://postgres/alice:";
  text.append(before).append(kNeedle).append(after);
  text += "@db.example:5433/shop/public/orders?sslmode=require";
  Require(!Shows(deltalakedb::RedactUriText(text)));
  if (MayNameAVariable(before, after)) return;

  const Result<Uri> uri = Uri::Parse(text, NoVariables);
  if (!uri) {
    CheckError(uri.error());
    Require(!Shows(uri.error()));
    return;
  }
  CheckRoundTrip(*uri);
  std::ostringstream printed;
  printed << *uri;
  Require(!Shows(printed.str()));
  Require(!Shows(*uri->ClientConnectionString()));
  Require(Shows(uri->postgres()->password->reveal()));
}

// The bytes are what variables in every part stand for.
void FuzzValue(std::string_view bytes) {
  std::string value(bytes);
  value += kNeedle;
  const Environment environment = [&value](std::string_view) { return value; };
  for (const std::string_view text :
       {"deltasql://postgres/alice:$A@h/d/s/t", "deltasql://postgres/$A:${A}@h/d/s/",
        "deltasql://postgres/h:$A/$A/$A/$A", "deltasql://postgres/$A/d/s/$A?sslmode=$A",
        "deltasql://postgres/[$A]/d/s/$A?retries=$A", "deltasql://sqlite/$A?table=$A",
        "deltasql://duckdb/$A?pool_size=$A", "file://$A/$A", "file:///$A", "s3://$A/$A",
        "gs://b/$A", "abfss://$A@$A/$A"}) {
    const Result<Uri> uri = Uri::Parse(text, environment);
    if (!uri) {
      CheckError(uri.error());
      Require(!Shows(uri.error()));
      continue;
    }
    CheckRoundTrip(*uri);
    const PostgresParts* parts = uri->postgres();
    if (parts != nullptr && parts->password) {
      Require(*parts->password == Secret(value));
      Require(!Shows(uri->ToString()));
    }
  }
}

// The bytes are the parts, cut at line ends.
void FuzzParts(std::string_view bytes) {
  std::vector<std::string> lines;
  while (lines.size() < 8) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    lines.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  const auto unless_empty = [](const std::string& line) {
    return line.empty() ? std::nullopt : std::optional(line);
  };
  PostgresParts parts;
  parts.user = unless_empty(lines[0]);
  if (parts.user) parts.password = Secret(lines[1] + std::string(kNeedle));
  if (!lines[2].empty()) parts.hosts.push_back({.name = lines[2]});
  parts.database = lines[3];
  parts.schema = lines[4];
  parts.table = unless_empty(lines[5]);
  parts.options.ssl_root_cert = unless_empty(lines[6]);
  for (const Result<Uri>& uri :
       {Uri::FromPostgres(parts), Uri::FromSqlite({.path = lines[3], .table = parts.table}),
        Uri::FromFile({.path = lines[3]}), Uri::FromS3({.bucket = "b", .key = lines[3]})}) {
    if (uri) {
      CheckRoundTrip(*uri);
    } else {
      CheckError(uri.error());
      Require(!Shows(uri.error()));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  // Letters, so that a person can write a corpus; any byte is one of the four.
  switch (data[0] % 4) {
    case 't' % 4:
      FuzzText(bytes);
      break;
    case 'q' % 4:
      FuzzRawPassword(bytes);
      break;
    case 'v' % 4:
      FuzzValue(bytes);
      break;
    default:
      FuzzParts(bytes);
      break;
  }
  return 0;
}
