// Random URIs: parts survive their way through text, and nothing gets a password printed (URI-6,
// URI-9). DELTALAKEDB_SEED repeats a run, DELTALAKEDB_SOAK=1 makes it long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <variant>

#include "deltalakedb/uri.h"

namespace deltalakedb {
namespace {

constexpr int kRounds = 5'000;
constexpr int kSoakRounds = 500'000;

int Rounds() {
  const char* soak = std::getenv("DELTALAKEDB_SOAK");
  return soak != nullptr && std::string_view(soak) == "1" ? kSoakRounds : kRounds;
}

// What a password contains in every case: long enough to be found nowhere by accident.
constexpr std::string_view kNeedle = "Xyzzy7Plugh9";

// All that is special somewhere, beside plain and foreign letters.
constexpr std::string_view kPieces[] = {
    "a", "Z",   "9",    "_",  "-",   ".", " ",  "/",  "@",  ":", "?",  "&",   "=",   "%",
    "+", "$",   "$$",   "#",  "[",   "]", "'",  "\"", "\\", ";", "*",  "***", "%41", "%2F",
    "!", "$PW", "${A}", "..", "://", "ö", "表", "😀", "|",  "~", "%%", "{",   "}",   "password"};

class UriRandomTest : public ::testing::Test {
 protected:
  UriRandomTest() {
    const char* given = std::getenv("DELTALAKEDB_SEED");
    const unsigned long seed = given != nullptr ? std::stoul(given) : std::random_device{}();
    std::cout << "DELTALAKEDB_SEED=" << seed << '\n';
    random_.seed(seed);
  }

  std::size_t Below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  bool Chance(int percent) { return Below(100) < static_cast<std::size_t>(percent); }

  std::string Piece() { return std::string(kPieces[Below(std::size(kPieces))]); }
  std::string Text(std::size_t pieces_min = 1) {
    std::string text;
    const std::size_t pieces = pieces_min + Below(8);
    for (std::size_t i = 0; i < pieces; ++i) text += Piece();
    return text;
  }
  std::optional<std::string> MaybeText() {
    return Chance(50) ? std::optional(Text()) : std::nullopt;
  }

  UriOptions Options(bool postgres) {
    UriOptions options;
    if (Chance(20)) options.pool_size = 1 + static_cast<int>(Below(1'000));
    if (Chance(20)) options.statement_timeout_ms = static_cast<int>(Below(86'400'001));
    if (Chance(20)) options.retries = static_cast<int>(Below(101));
    if (!postgres) return options;
    if (Chance(20)) options.prepare = Chance(50);
    if (Chance(20)) options.connect_timeout_seconds = 1 + static_cast<int>(Below(3'600));
    if (Chance(20)) options.application_name = Piece();
    if (Chance(20)) options.ssl_mode = "verify-ca";
    if (Chance(20)) options.ssl_root_cert = Text();
    if (Chance(20)) options.ssl_key = Text();
    return options;
  }

  PostgresParts Postgres() {
    PostgresParts parts;
    parts.user = MaybeText();
    if (parts.user && Chance(70)) parts.password = Secret(Text(0) + std::string(kNeedle) + Text(0));
    for (std::size_t hosts = Below(4); hosts > 0; --hosts) {
      PostgresHost host{.name = Chance(20) ? "fe80::1%eth0" : Text()};
      if (Chance(50)) host.port = static_cast<std::uint16_t>(1 + Below(65'535));
      parts.hosts.push_back(host);
    }
    parts.database = Text();
    parts.schema = Text();
    parts.table = MaybeText();
    parts.options = Options(true);
    return parts;
  }

  std::string Mutated(std::string text) {
    for (std::size_t changes = 1 + Below(4); changes > 0; --changes) {
      const std::size_t from = Below(text.size() + 1);
      const std::size_t bytes = std::min(text.size() - from, 1 + Below(12));
      switch (Below(4)) {
        case 0:
          text.erase(from, bytes);
          break;
        case 1:
          text.insert(from, Piece());
          break;
        case 2:
          text.replace(from, std::min<std::size_t>(bytes, 1), Piece());
          break;
        default:
          text.insert(Below(text.size() + 1), text.substr(from, bytes));
          break;
      }
    }
    return text;
  }

 private:
  std::mt19937_64 random_;
};

bool Shows(std::string_view text) { return text.find(kNeedle) != std::string_view::npos; }

bool Shows(const Error& error) {
  return Shows(error.message()) || std::ranges::any_of(error.facts(), [](const Error::Fact& fact) {
           const auto* text = std::get_if<std::string>(&fact.second);
           return Shows(fact.first) || (text != nullptr && Shows(*text));
         });
}

// Canonical text has no references.
std::optional<std::string> NoVariable(std::string_view name) {
  ADD_FAILURE() << "asked for the variable " << name;
  return std::nullopt;
}

void ExpectRoundTrip(const Result<Uri>& uri) {
  ASSERT_TRUE(uri.has_value()) << uri.error().message();
  const std::string text = uri->ToStringWithPassword().reveal();
  const Result<Uri> again = Uri::Parse(text, NoVariable);
  ASSERT_TRUE(again.has_value()) << text << ": " << again.error().message();
  EXPECT_TRUE(*again == *uri) << text;
  EXPECT_EQ(again->ToStringWithPassword().reveal(), text);
  const bool hides = uri->postgres() != nullptr && uri->postgres()->password.has_value();
  EXPECT_EQ(Uri::Parse(uri->ToString(), NoVariable).has_value(), !hides) << uri->ToString();
}

TEST_F(UriRandomTest, AnyParts_SurviveTheWayThroughText) {
  for (int round = 0; round < Rounds() && !HasFailure(); ++round) {
    const Result<Uri> uri = Uri::FromPostgres(Postgres());
    ExpectRoundTrip(uri);
    ASSERT_TRUE(uri.has_value());
    EXPECT_FALSE(Shows(uri->ToString()));
    EXPECT_FALSE(Shows(*uri->ClientConnectionString()));
    ExpectRoundTrip(Uri::FromSqlite({Text() + "x", MaybeText(), Options(false)}));
    ExpectRoundTrip(Uri::FromDuckDb({"/" + Text() + "x", MaybeText(), Options(false)}));
    ExpectRoundTrip(Uri::FromFile({Text()}));
    ExpectRoundTrip(Uri::FromFile({"/" + Text()}));
    ExpectRoundTrip(Uri::FromS3({.bucket = "b", .key = Text()}));
    ExpectRoundTrip(Uri::FromAbfss({.bucket = "$b", .key = Text(), .account_host = "a.net"}));
  }
}

TEST_F(UriRandomTest, AnyValueOfAVariable_IsTakenAsItIs) {
  for (int round = 0; round < Rounds() && !HasFailure(); ++round) {
    const std::string value = Text() + std::string(kNeedle) + Text();
    const Environment environment = [&value](std::string_view) { return std::optional(value); };
    const Result<Uri> uri =
        Uri::Parse("deltasql://postgres/$A:${A}@$A:1/d/s/$A?sslkey=$A", environment);
    ASSERT_TRUE(uri.has_value()) << value << uri.error().message();
    const PostgresParts& parts = *uri->postgres();
    EXPECT_EQ(parts.user, value);
    EXPECT_EQ(parts.password, Secret(value));
    EXPECT_EQ(parts.hosts[0].name, value);
    EXPECT_EQ(parts.table, value);
    EXPECT_EQ(parts.options.ssl_key, value);
    EXPECT_FALSE(Shows(Uri::Parse("deltasql://postgres/$A:$A@d/s/t", environment)->ToString()));

    for (const std::string bad : {"$A:$A@h:$A/d/s/t", "$A:$A@d/s/t?sslmode=$A", "d/s/t?retries=$A",
                                  "$A$:x@d/s/t", "a:$A%@d/s/t", "[x$A]/d/s/t"}) {
      const Result<Uri> refused = Uri::Parse("deltasql://postgres/" + bad, environment);
      ASSERT_FALSE(refused.has_value()) << bad;
      EXPECT_FALSE(Shows(refused.error())) << bad;
    }
  }
}

// How many bytes of the text can be a variable's name, counted from its start.
std::size_t NameBytes(std::string_view text) {
  const auto is_name_byte = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_name_byte) - text.begin());
}

// `$NAME` as a whole, and `${NAME}` anywhere, are no passwords: errors may name the variable.
bool IsPlainlyAVariable(std::string_view password) {
  if (password.starts_with('$') && NameBytes(password.substr(1)) + 1 == password.size()) {
    return true;
  }
  const std::size_t brace = password.rfind("${", password.find(kNeedle));
  return brace != std::string_view::npos &&
         Shows(password.substr(brace + 2).substr(0, NameBytes(password.substr(brace + 2))));
}

// A password as somebody types it who knows nothing of encoding.
TEST_F(UriRandomTest, RawPassword_IsNeverShown) {
  int taken = 0;
  for (int round = 0; round < Rounds() && !HasFailure(); ++round) {
    std::string password = Text(0);
    password.append(kNeedle).append(Text(0));
    if (IsPlainlyAVariable(password)) continue;
    std::string text = "deltasql://postgres/alice:" + password;
    text += Chance(50) ? "@db.example:5433/shop/public/orders?retries=1" : "@shop/public/";
    SCOPED_TRACE(text);
    const Result<Uri> uri = Uri::Parse(text, [](std::string_view name) {
      return name == "A" ? std::optional<std::string>("1") : std::nullopt;
    });
    if (uri) {
      ++taken;
      EXPECT_FALSE(Shows(uri->ToString()));
      EXPECT_TRUE(Shows(uri->postgres()->password->reveal()));
    } else {
      EXPECT_FALSE(Shows(uri.error())) << uri.error().message();
    }
    EXPECT_FALSE(Shows(RedactUriText(text))) << RedactUriText(text);
  }
  EXPECT_GT(taken, 0);
}

// Where the needle has become something else than a password, it may be shown as what it is.
bool IsElsewhere(const Uri& uri) {
  if (uri.postgres() == nullptr) return true;
  PostgresParts parts = *uri.postgres();
  parts.password.reset();
  return Shows(Uri::FromPostgres(parts)->ToStringWithPassword().reveal());
}

bool MayBeQuoted(const Error& error, std::string_view text) {
  const auto shows = [&error](std::string_view name) {
    const Error::FactValue* fact = error.FindFact(name);
    return fact != nullptr && Shows(std::get<std::string>(*fact));
  };
  if (shows("variable") || shows("option")) return true;
  const std::string_view scheme = text.substr(0, text.find(':'));
  const std::string_view database = text.substr(0, text.find('/', scheme.size() + 3));
  return Shows(scheme) || Shows(database);
}

TEST_F(UriRandomTest, MutatedUri_NeverShowsThePassword) {
  int unfit = 0;
  int quoted = 0;
  for (int round = 0; round < Rounds() && !HasFailure(); ++round) {
    std::string original = "deltasql://postgres/alice:";
    original.append(kNeedle).append("@db.example:5433/shop/public/orders?sslmode=require");
    const std::string text = Mutated(original);
    SCOPED_TRACE(text);
    const Result<Uri> uri = Uri::Parse(
        text, [](std::string_view) -> std::optional<std::string> { return std::nullopt; });
    if (uri) {
      if (Shows(uri->ToString())) {
        ++unfit;
        EXPECT_TRUE(IsElsewhere(*uri));
      }
    } else if (Shows(uri.error())) {
      ++quoted;
      EXPECT_TRUE(MayBeQuoted(uri.error(), text)) << uri.error().message();
    }
    if (Shows(text) && text.rfind('@') != std::string::npos &&
        text.rfind('@') > text.rfind(kNeedle)) {
      EXPECT_FALSE(Shows(RedactUriText(text))) << RedactUriText(text);
    }
  }
  // Otherwise this test would prove little.
  EXPECT_LT(unfit + quoted, Rounds() / 10);
}

}  // namespace
}  // namespace deltalakedb
