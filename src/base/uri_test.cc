#include "deltalakedb/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>

#include "base/uri_internal.h"

namespace deltalakedb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Environment Variables(std::map<std::string, std::string, std::less<>> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Uri Parsed(std::string_view text, const Environment& environment = Variables({})) {
  Result<Uri> uri = Uri::Parse(text, environment);
  if (uri) return *uri;
  ADD_FAILURE() << text << ": " << uri.error().message();
  return Uri::FromFile({.path = "a failure"}).value();
}

Error Refused(std::string_view text, const Environment& environment = Variables({})) {
  const Result<Uri> uri = Uri::Parse(text, environment);
  if (!uri) return uri.error();
  ADD_FAILURE() << text << " was taken";
  return Error(ErrorCode::kInternal, "");
}

std::string Part(const Error& error) {
  const Error::FactValue* part = error.FindFact("uriPart");
  return part == nullptr ? "" : std::get<std::string>(*part);
}

// ---- the sketch in the header

std::string connected;
void Connect(const std::string& text, const std::string& schema) {
  connected = text + " schema " + schema;
}

std::string Sketch(std::ostream& log) {
  Result<Uri> uri = Uri::Parse("deltasql://postgres/alice:${PW}@db.example/shop/public/orders");
  if (!uri) return uri.error().message();
  log << *uri;  // deltasql://postgres/alice:***@db.example/shop/public/orders
  if (const PostgresParts* parts = uri->postgres()) {
    Connect(uri->ClientConnectionStringWithPassword()->reveal(), parts->schema);
  }
  return "";
}

TEST(UriTest, UsageSketch_Works) {
  ASSERT_EQ(setenv("PW", "open sesame", 1), 0);
  std::ostringstream log;
  EXPECT_EQ(Sketch(log), "");
  EXPECT_EQ(log.str(), "deltasql://postgres/alice:***@db.example/shop/public/orders");
  EXPECT_EQ(connected,
            "host='db.example' user='alice' password='open sesame' dbname='shop' schema public");
  ASSERT_EQ(unsetenv("PW"), 0);
  EXPECT_THAT(Sketch(log), HasSubstr("PW"));
}

// ---- references and encoding (URI-5, URI-6)

TEST(UriTest, ReferenceInEveryPart_IsExpandedAsData) {
  const std::string value = "a/@?%41:&=b";
  const Environment environment = Variables({{"V", value}, {"P", "77"}, {"M", "verify-full"}});
  const Uri uri = Parsed(
      "deltasql://postgres/$V:${V}@$V:$P,[::1]:${P}/$V/$V/$V?sslmode=$M&sslcert="
      "$V&pool_size=$P",
      environment);
  const PostgresParts& parts = *uri.postgres();
  EXPECT_EQ(parts.user, value);
  EXPECT_EQ(parts.password, Secret(value));
  EXPECT_EQ(parts.hosts, (std::vector<PostgresHost>{{value, 77}, {"::1", 77}}));
  EXPECT_EQ(parts.database, value);
  EXPECT_EQ(parts.schema, value);
  EXPECT_EQ(parts.table, value);
  EXPECT_EQ(parts.options.ssl_mode, "verify-full");
  EXPECT_EQ(parts.options.ssl_cert, value);
  EXPECT_EQ(parts.options.pool_size, 77);

  const Uri file = Parsed("deltasql://duckdb/$V?table=$V", environment);
  EXPECT_EQ(file.embedded()->path, value);
  EXPECT_EQ(file.table(), value);
  EXPECT_EQ(Parsed("file:///$V", environment).file()->path, "/" + value);
  EXPECT_EQ(Parsed("s3://bucket$P/$V", environment).object_store()->key, value);
}

TEST(UriTest, ReferenceForms_AreReadToTheirEnd) {
  const Environment environment = Variables({{"A", "x"}, {"A_1", "y"}, {"_", "z"}});
  const std::map<std::string, std::string> cases = {
      {"$A", "x"},      {"$A_1", "y"},        {"${A}_1", "x_1"}, {"$A-1", "x-1"}, {"$_", "z"},
      {"$$A", "$A"},    {"$$$A", "$x"},       {"%24A", "$A"},    {"$A$A", "xx"},  {"a+b", "a+b"},
      {"%2B%2b", "++"}, {"%25%34%31", "%41"}, {"$$", "$"},       {"#%23", "##"},  {"$$%41", "$A"}};
  for (const auto& [raw, decoded] : cases) {
    EXPECT_EQ(Parsed("deltasql://postgres/d/s/" + raw, environment).table(), decoded) << raw;
  }
}

TEST(UriTest, MalformedReferenceOrEscape_NamesThePart) {
  for (const std::string bad : {"$", "$1", "$-", "${", "${}", "${A", "${1}", "${A-}", "%", "%1",
                                "%G1", "%1G", "%$$1", "%4$A"}) {
    const auto part = [&bad](const std::string& before, const std::string& after) {
      return Part(Refused(std::string(before).append(bad) += after, Variables({{"A", "1"}})));
    };
    EXPECT_EQ(part("deltasql://postgres/", "@h/d/s/t"), "user") << bad;
    EXPECT_EQ(part("deltasql://postgres/a:", "@h/d/s/t"), "password") << bad;
    EXPECT_EQ(part("deltasql://postgres/", "/d/s/t"), "host") << bad;
    EXPECT_EQ(part("deltasql://postgres/h:", "/d/s/t"), "port") << bad;
    EXPECT_EQ(part("deltasql://postgres/", "/s/t"), "database") << bad;
    EXPECT_EQ(part("deltasql://postgres/d/", "/t"), "schema") << bad;
    EXPECT_EQ(part("deltasql://postgres/d/s/", ""), "table") << bad;
    EXPECT_EQ(part("deltasql://postgres/d/s/t?sslcert=", ""), "sslcert") << bad;
    EXPECT_EQ(part("deltasql://sqlite/", ""), "path") << bad;
    EXPECT_EQ(part("deltasql://duckdb/a?table=", ""), "table") << bad;
    EXPECT_EQ(part("file://", "/a"), "host") << bad;
    EXPECT_EQ(part("file:///", ""), "path") << bad;
    EXPECT_EQ(part("s3://", "/a"), "bucket") << bad;
    EXPECT_EQ(part("gs://a/", ""), "path") << bad;
    EXPECT_EQ(part("abfss://a@", "/a"), "account") << bad;
  }
}

TEST(UriTest, UnsetVariable_IsNamedWithItsPart) {
  for (const auto& [text, part] :
       std::map<std::string, std::string>{{"deltasql://postgres/$NOT_SET@d/s/t", "user"},
                                          {"deltasql://postgres/a:$NOT_SET@d/s/t", "password"},
                                          {"deltasql://postgres/a:${NOT_SET}@d/s/t", "password"},
                                          {"deltasql://postgres/a:x${NOT_SET}y@d/s/t", "password"},
                                          {"deltasql://postgres/h:$NOT_SET/d/s/t", "port"},
                                          {"deltasql://postgres/d/s/x$NOT_SET", "table"},
                                          {"deltasql://postgres/d/s/?sslmode=$NOT_SET", "sslmode"},
                                          {"deltasql://sqlite/$NOT_SET", "path"}}) {
    const Error error = Refused(text);
    EXPECT_EQ(Part(error), part) << text;
    EXPECT_THAT(error.message(), HasSubstr("NOT_SET"));
    ASSERT_NE(error.FindFact("variable"), nullptr) << text;
    EXPECT_EQ(std::get<std::string>(*error.FindFact("variable")), "NOT_SET");
  }
}

TEST(UriTest, UnsetVariableThatMayBeAPieceOfThePassword_IsNotNamed) {
  for (const std::string password : {"pa$xyzzy", "$pa$xyzzy", "xyzzy$xyzzy"}) {
    const Error error =
        Refused("deltasql://postgres/a:" + password + "@d/s/t", Variables({{"pa", "x"}}));
    EXPECT_EQ(Part(error), "password");
    EXPECT_THAT(error.message(), Not(HasSubstr("xyzzy")));
    EXPECT_THAT(error.message(), HasSubstr("${NAME}"));
    EXPECT_EQ(error.FindFact("variable"), nullptr);
  }
}

TEST(UriTest, EmptyVariable_IsAnEmptyPart) {
  const Environment empty = Variables({{"E", ""}});
  EXPECT_EQ(Part(Refused("deltasql://postgres/$E@d/s/t", empty)), "user");
  EXPECT_EQ(Part(Refused("deltasql://postgres/$E/d/s/t", empty)), "host");
  EXPECT_EQ(Part(Refused("deltasql://postgres/h:$E/d/s/t", empty)), "port");
  EXPECT_EQ(Part(Refused("deltasql://postgres/d/s/$E", empty)), "table");
  EXPECT_EQ(Part(Refused("deltasql://postgres/d/s/?sslmode=$E", empty)), "sslmode");
  EXPECT_EQ(Part(Refused("deltasql://postgres/d/s/?sslkey=$E", empty)), "sslkey");
  EXPECT_FALSE(Parsed("deltasql://postgres/a:$E@d/s/t", empty).postgres()->password);
}

TEST(UriTest, ExpansionPastTheLimit_IsRefused) {
  const Environment environment = Variables({{"BIG", std::string(kUriBytesMax, 'a')}});
  EXPECT_EQ(Parsed("deltasql://sqlite/$BIG", environment).embedded()->path.size(), kUriBytesMax);
  EXPECT_EQ(Part(Refused("deltasql://sqlite/$BIG$BIG", environment)), "path");
  EXPECT_EQ(Part(Refused("deltasql://postgres/a:x$BIG@d/s/t", environment)), "password");
}

TEST(UriTest, TextPastTheLimit_IsRefused) {
  EXPECT_TRUE(Uri::Parse("/" + std::string(kUriBytesMax - 1, 'a')));
  EXPECT_FALSE(Uri::Parse("/" + std::string(kUriBytesMax, 'a')));
}

// ---- names

TEST(UriTest, TableName_IsAnyTextUpTo255Bytes) {
  const auto takes = [](const std::string& name) {
    const Environment environment = [&name](std::string_view) { return name; };
    const bool taken = Uri::Parse("deltasql://postgres/d/s/$T", environment).has_value();
    EXPECT_EQ(Uri::Parse("deltasql://sqlite/f?table=$T", environment).has_value(), taken);
    EXPECT_EQ(Parsed("deltasql://duckdb/f").WithTable(name).has_value(), taken);
    return taken;
  };
  for (const std::string good : {"a", " ", "/", ".", "..", "Größe", "表", "\U0001F600", "a\u00A0b",
                                 "a\u200Bb", "***", "$A", "%", "a@b:c?d&e=f#g"}) {
    EXPECT_TRUE(takes(good)) << good;
  }
  EXPECT_TRUE(takes(std::string(255, 'a')));
  EXPECT_FALSE(takes(std::string(256, 'a')));
  EXPECT_FALSE(takes(std::string(254, 'a') + "ö"));
  EXPECT_FALSE(takes(""));
  using namespace std::string_literals;
  for (const std::string& bad : {"\0"s,
                                 "a\0b"s,
                                 "\n"s,
                                 "a\t"s,
                                 "\x1F"s,
                                 "\x7F"s,
                                 "\u0080"s,
                                 "\u0085"s,
                                 "\u009F"s,
                                 "\x80"s,
                                 "\xC0\x80"s,
                                 "\xC3"s,
                                 "\xE0\x80\x80"s,
                                 "\xED\xA0\x80"s,
                                 "\xF4\x90\x80\x80"s,
                                 "\xF5\x80\x80\x80"s,
                                 "\xFF"s,
                                 "a\xE2\x82"s,
                                 "\xF0\x80\x80\x80"s,
                                 "\xE2\x28\xA1"s}) {
    EXPECT_FALSE(takes(bad)) << testing::PrintToString(bad);
  }
}

TEST(UriTest, DatabaseOrSchemaThatPostgresWouldCut_IsRefused) {
  const std::string longest(63, 'a');
  EXPECT_TRUE(Uri::Parse("deltasql://postgres/" + longest + "/" + longest + "/t"));
  EXPECT_EQ(Part(Refused("deltasql://postgres/" + longest + "a/s/t")), "database");
  EXPECT_EQ(Part(Refused("deltasql://postgres/d/" + longest + "a/t")), "schema");
}

TEST(UriTest, BytesOutsideOfUtf8_AreForPathsAndPasswordsOnly) {
  EXPECT_EQ(Parsed("deltasql://sqlite//a%FF").embedded()->path, "/a\xFF");
  EXPECT_EQ(Parsed("file:///a%FF").file()->path, "/a\xFF");
  EXPECT_EQ(Parsed("/a\xFF").ToString(), "file:///a%FF");
  EXPECT_EQ(Parsed("deltasql://postgres/a:%FF%0A@d/s/t").postgres()->password, Secret("\xFF\n"));
  EXPECT_EQ(Part(Refused("deltasql://postgres/a:%00@d/s/t")), "password");
  EXPECT_EQ(Part(Refused("deltasql://postgres/%FF@d/s/t")), "user");
  EXPECT_EQ(Part(Refused("deltasql://postgres/h%0A/d/s/t")), "host");
  EXPECT_EQ(Part(Refused("deltasql://sqlite/a%00.db")), "path");
  EXPECT_EQ(Part(Refused("/data/a\nb")), "path");
  EXPECT_EQ(Part(Refused("s3://bucket/%FF")), "path");
}

// ---- hosts and ports

TEST(UriTest, Port_IsANumberFrom1To65535) {
  EXPECT_EQ(Parsed("deltasql://postgres/h:1/d/s/t").postgres()->hosts[0].port, 1);
  EXPECT_EQ(Parsed("deltasql://postgres/h:65535/d/s/t").postgres()->hosts[0].port, 65535);
  EXPECT_EQ(Parsed("deltasql://postgres/h:%35432/d/s/t").postgres()->hosts[0].port, 5432);
  for (const std::string bad :
       {"", "0", "65536", "-1", "+1", "1x", "x", "%20", "1 ", "0x10", "99999999999999999999"}) {
    EXPECT_EQ(Part(Refused("deltasql://postgres/h:" + bad + "/d/s/t")), "port") << bad;
    EXPECT_EQ(Part(Refused("deltasql://postgres/h:$P/d/s/t", Variables({{"P", bad}}))), "port");
  }
}

TEST(UriTest, BracketedHost_MustBeIpv6) {
  EXPECT_EQ(
      Parsed("deltasql://postgres/[$A]:1/d/s/t", Variables({{"A", "2001:db8::1"}})).ToString(),
      "deltasql://postgres/[2001:db8::1]:1/d/s/t");
  EXPECT_EQ(Parsed("deltasql://postgres/%3A%3A1/d/s/t").ToString(),
            "deltasql://postgres/[::1]/d/s/t");
  for (const std::string bad : {"[]", "[h]", "[1.2.3.4]", "[::1", "[::1]x", "[::1]5432", "[::1%25]",
                                "[::1]:1:2", "::1", "[:::1]"}) {
    EXPECT_THAT(Part(Refused("deltasql://postgres/" + bad + "/d/s/t")),
                testing::AnyOf("host", "port"))
        << bad;
  }
}

TEST(UriTest, HostWithComma_IsRefusedBecauseLibpqWouldCutIt) {
  const Error error = Refused("deltasql://postgres/$HOSTS/d/s/t", Variables({{"HOSTS", "h1,h2"}}));
  EXPECT_EQ(Part(error), "host");
  EXPECT_THAT(error.message(), HasSubstr("comma"));
  EXPECT_EQ(Part(Refused("deltasql://postgres/h1,,h2/d/s/t")), "host");
  EXPECT_EQ(Part(Refused("deltasql://postgres/h1,/d/s/t")), "host");
}

// ---- what is missing

TEST(UriTest, WrongNumberOfSegments_SaysWhatIsMissing) {
  for (const auto& [text, part] : std::map<std::string, std::string>{
           {"", "database"},        {"/", "schema"},           {"a", "schema"},
           {"a/", "schema"},        {"a/b", "table"},          {"u@", "database"},
           {"u@a/b", "table"},      {"?x=1", "database"},      {"a/b/c/d/e", "path"},
           {"a/b/c/d/e/", "path"},  {"a/b/c/d/", "table"},     {"a//c", "schema"},
           {"/b/c", "database"},    {"a//", "schema"},         {"h/a//t", "schema"},
           {"h//b/t", "database"},  {"/a/b/", "host"},         {"u@/a/b/t", "host"},
           {"h:1/a/b", "database"}, {"h1,h2/a/b", "database"}, {"[::1]/a/b", "database"}}) {
    const Error error = Refused("deltasql://postgres/" + text);
    EXPECT_EQ(Part(error), part) << text << ": " << error.message();
  }
  EXPECT_EQ(Part(Refused("deltasql://postgres")), "database");
  EXPECT_THAT(Refused("deltasql://postgres/a/b").message(), HasSubstr("database/schema/table"));
}

TEST(UriTest, EmbeddedPath_MustNameAFile) {
  for (const std::string bad :
       {"deltasql://sqlite", "deltasql://sqlite/", "deltasql://duckdb?table=a",
        "deltasql://duckdb/?table=a", "deltasql://sqlite//", "deltasql://sqlite/a/"}) {
    EXPECT_EQ(Part(Refused(bad)), "path") << bad;
  }
}

TEST(UriTest, UnknownScheme_ListsTheSupportedOnes) {
  for (const std::string bad :
       {"http://h/a", "C:\\data", "c:/data", "deltasq://postgres/d/s/t", ":", "://", "postgresql:d",
        "jdbc:postgresql://h/d", "a b:c", "deltasql ://postgres/d/s/t"}) {
    const Error error = Refused(bad);
    EXPECT_EQ(Part(error), "scheme") << bad;
    for (const char* supported : {"deltasql://postgres/", "deltasql://sqlite/",
                                  "deltasql://duckdb/", "file://", "s3://", "gs://", "abfss://"}) {
      EXPECT_THAT(error.message(), HasSubstr(supported));
    }
  }
  EXPECT_THAT(Refused("").message(), HasSubstr("s3://"));
  EXPECT_THAT(Refused("s3a://b/k").message(), HasSubstr("write s3://"));
  EXPECT_THAT(Refused("postgres://alice:sesame@h/d").message(),
              HasSubstr("write deltasql://postgres/[user"));
  EXPECT_THAT(Refused("POSTGRESQL://alice:sesame@h/d").message(), Not(HasSubstr("sesame")));
  EXPECT_THAT(Refused("deltasql:postgres/d/s/t").message(), HasSubstr("write deltasql://"));
  EXPECT_THAT(Refused("deltasql://mysql/d").message(), HasSubstr("mysql"));
  EXPECT_EQ(Part(Refused("deltasql://")), "scheme");
  EXPECT_EQ(Part(Refused("deltasql:///postgres/d/s/t")), "scheme");
}

TEST(UriTest, PathThatLooksLikeAConnectionString_IsRefusedUnlessMarked) {
  for (const std::string text : {"postgres/alice:sesame@h/d/s/t", "//postgres/alice:sesame@h/d/s/t",
                                 "host=h password=sesame", "dbname=d Password = 'sesame'"}) {
    const Error error = Refused(text);
    EXPECT_EQ(Part(error), "scheme") << text;
    EXPECT_THAT(error.message(), Not(HasSubstr("sesame")));
    const std::string marked = "./" + text;
    EXPECT_EQ(Parsed(marked).file()->path, marked);
  }
  EXPECT_EQ(Parsed("/data/a:b@c").file()->path, "/data/a:b@c");
  EXPECT_EQ(Parsed("//data/orders").file()->path, "//data/orders");
  EXPECT_EQ(Parsed("data/password/a@b").file()->path, "data/password/a@b");
}

TEST(UriTest, FileUri_IsLocalAndAbsolute) {
  EXPECT_EQ(Parsed("FILE://LocalHost/a").file()->path, "/a");
  EXPECT_EQ(Parsed("file:///").file()->path, "/");
  EXPECT_EQ(Parsed("/data/orders//"), Parsed("file:///data/orders"));
  EXPECT_EQ(Part(Refused("file://")), "path");
  EXPECT_EQ(Part(Refused("file:a")), "path");
  EXPECT_EQ(Part(Refused("file://h/a")), "host");
  EXPECT_EQ(Part(Refused("file:///a?b=c")), "options");
  EXPECT_EQ(Part(Refused("file:///a%00")), "path");
}

TEST(UriTest, ObjectStore_RefusesWhatIsNoBucketOrAccount) {
  EXPECT_EQ(Part(Refused("s3:bucket/a")), "scheme");
  EXPECT_EQ(Part(Refused("s3:///a")), "bucket");
  EXPECT_EQ(Part(Refused("s3://b%40c/a")), "bucket");
  EXPECT_EQ(Part(Refused("gs://b/a?versionId=1")), "options");
  EXPECT_EQ(Part(Refused("abfss://@account/a")), "bucket");
  EXPECT_EQ(Part(Refused("abfss://c@/a")), "account");
  EXPECT_EQ(Part(Refused("abfss://c@a@b/a")), "account");
  EXPECT_EQ(Parsed("abfss://$$web@a.dfs.core.windows.net/x").object_store()->bucket, "$web");
  EXPECT_EQ(Part(Uri::FromS3({.bucket = "b", .key = "", .account_host = "a"}).error()), "account");
}

// ---- options (URI-7)

TEST(UriTest, Options_AreReadIntoTheirTypes) {
  const UriOptions options =
      *Parsed(
           "deltasql://postgres/d/s/t?pool_size=8&statement_timeout=1500&retries=0&prepare=off&"
           "connect_timeout=5&application_name=my%20app&target_session_attrs=primary&"
           "sslmode=verify-full&sslrootcert=/etc/ca.pem&sslcert=c.pem&sslkey=k.pem")
           .options();
  const UriOptions expected = {.pool_size = 8,
                               .statement_timeout_ms = 1500,
                               .retries = 0,
                               .prepare = false,
                               .connect_timeout_seconds = 5,
                               .application_name = "my app",
                               .target_session_attrs = "primary",
                               .ssl_mode = "verify-full",
                               .ssl_root_cert = "/etc/ca.pem",
                               .ssl_cert = "c.pem",
                               .ssl_key = "k.pem"};
  EXPECT_EQ(options, expected);
  EXPECT_EQ(*Parsed("deltasql://postgres/d/s/t?").options(), UriOptions());
  EXPECT_EQ(Parsed("/a").options(), nullptr);
}

TEST(UriTest, MalformedOption_ListsTheKnownOnes) {
  for (const std::string bad :
       {"pool_size", "=1", "&", "pool_size=1&", "&pool_size=1", "pool%5fsize=1",
        "pool_size=1&&retries=1", "POOL_SIZE=1", "a b=1", "$P=1"}) {
    const Error error = Refused("deltasql://postgres/d/s/t?" + bad);
    EXPECT_EQ(Part(error), "options") << bad;
    EXPECT_THAT(error.message(), HasSubstr("pool_size, statement_timeout, retries, prepare"))
        << bad;
  }
  EXPECT_EQ(Part(Refused("deltasql://postgres/d/s/t?retries=")), "retries");
  EXPECT_EQ(Part(Refused("deltasql://postgres/d/s/t?retries=1.5")), "retries");
  EXPECT_THAT(Refused("deltasql://postgres/d/s/t?statement_timeout=1s").message(),
              HasSubstr("milliseconds"));
  EXPECT_THAT(Refused("deltasql://postgres/d/s/t?sslmode=on").message(), HasSubstr("verify-full"));
  EXPECT_EQ(Part(Refused("deltasql://sqlite/f?table=a&table=a")), "table");
}

TEST(UriTest, UnknownOption_IsNamedWithoutItsValue) {
  const Error error = Refused("deltasql://postgres/d/s/t?password=sesame&x=1");
  EXPECT_EQ(Part(error), "options");
  EXPECT_EQ(std::get<std::string>(*error.FindFact("option")), "password");
  EXPECT_THAT(error.message(), HasSubstr("user:password@"));
  EXPECT_THAT(error.message(), Not(HasSubstr("sesame")));
  EXPECT_THAT(Refused("deltasql://postgres/d/s/?table=t").message(), HasSubstr("last segment"));
}

// ---- parts (URI-8)

PostgresParts FullParts() {
  return {.user = "al:ice",
          .password = Secret("p@ss/w?rd***$X%20"),
          .hosts = {{"db.example", 5433}, {"/run/pg sql", std::nullopt}, {"::1", 1}},
          .database = "my shop",
          .schema = "pub/lic",
          .table = "a:b@c?d&e$f",
          .options = {.pool_size = 4, .prepare = true, .ssl_mode = "require"}};
}

TEST(UriTest, PartsToText_AndBackGiveTheSame) {
  const Uri uri = Uri::FromPostgres(FullParts()).value();
  EXPECT_EQ(uri.ToString(),
            "deltasql://postgres/al%3Aice:***@db.example:5433,%2Frun%2Fpg%20sql,[::1]:1/my%20shop/"
            "pub%2Flic/a%3Ab%40c%3Fd%26e%24f?pool_size=4&prepare=on&sslmode=require");
  EXPECT_EQ(Parsed(uri.ToStringWithPassword().reveal()), uri);
  EXPECT_EQ(*uri.postgres(), FullParts());
}

TEST(UriTest, WrongParts_AreRefusedLikeWrongText) {
  const auto part = [](void (*change)(PostgresParts&)) {
    PostgresParts parts = FullParts();
    change(parts);
    const Result<Uri> uri = Uri::FromPostgres(parts);
    return uri ? "" : Part(uri.error());
  };
  EXPECT_EQ(part([](PostgresParts&) {}), "");
  EXPECT_EQ(part([](PostgresParts& p) { p.user.reset(); }), "user");
  EXPECT_EQ(part([](PostgresParts& p) { p.user = ""; }), "user");
  EXPECT_EQ(part([](PostgresParts& p) { p.password = Secret(std::string(1, '\0')); }), "password");
  EXPECT_EQ(part([](PostgresParts& p) { p.password = Secret(std::string(kUriBytesMax + 1, 'a')); }),
            "password");
  EXPECT_EQ(part([](PostgresParts& p) { p.hosts[0].name = ""; }), "host");
  EXPECT_EQ(part([](PostgresParts& p) { p.hosts[0].port = 0; }), "port");
  EXPECT_EQ(part([](PostgresParts& p) { p.database = ""; }), "database");
  EXPECT_EQ(part([](PostgresParts& p) { p.schema = "\n"; }), "schema");
  EXPECT_EQ(part([](PostgresParts& p) { p.table = ""; }), "table");
  EXPECT_EQ(part([](PostgresParts& p) { p.options.retries = -1; }), "retries");
  EXPECT_EQ(part([](PostgresParts& p) { p.options.ssl_mode = "on"; }), "sslmode");
  EXPECT_EQ(part([](PostgresParts& p) { p.options.application_name = std::string(64, 'a'); }),
            "application_name");
  const Result<Uri> sqlite =
      Uri::FromSqlite({.path = "a", .table = {}, .options = {.prepare = true}});
  EXPECT_EQ(Part(sqlite.error()), "options");
}

TEST(UriTest, RelativePathThatWouldBeAScheme_GetsADot) {
  EXPECT_EQ(Uri::FromFile({.path = "a:b/c"}).value().ToString(), "./a:b/c");
  EXPECT_EQ(Uri::FromFile({.path = "a/b:c"}).value().ToString(), "a/b:c");
  EXPECT_EQ(Parsed("./a:b/c"), Uri::FromFile({.path = "a:b/c"}).value());
}

TEST(UriTest, ConnectionString_IsQuotedForLibpqWithoutThePassword) {
  PostgresParts parts = FullParts();
  parts.user = "it's\\me";
  parts.options.connect_timeout_seconds = 5;
  const Uri uri = Uri::FromPostgres(parts).value();
  EXPECT_EQ(uri.ClientConnectionString(),
            "host='db.example,/run/pg sql,::1' port='5433,,1' user='it\\'s\\\\me' dbname='my shop' "
            "connect_timeout='5' sslmode='require'");
  EXPECT_THAT(uri.ClientConnectionStringWithPassword()->reveal(),
              HasSubstr(" password='p@ss/w?rd***$X%20' dbname="));
  EXPECT_EQ(Parsed("deltasql://postgres/d/s/t").ClientConnectionString(), "dbname='d'");
  EXPECT_EQ(Parsed("deltasql://postgres/h1,h2/d/s/t").ClientConnectionString(),
            "host='h1,h2' dbname='d'");
}

TEST(UriTest, ConnectionStringOfAnEmbeddedDatabase_IsItsPath) {
  const std::map<std::string, std::string> paths = {
      {"deltasql://sqlite//a/b.db?table=t", "/a/b.db"},
      {"deltasql://sqlite/b.db", "b.db"},
      {"deltasql://sqlite/:memory:", ":memory:"},
      {"deltasql://sqlite/:other:", "./:other:"},
      {"deltasql://sqlite/file:b.db", "./file:b.db"},
      {"deltasql://duckdb/md:b", "./md:b"},
      {"deltasql://duckdb/a/md:b", "a/md:b"}};
  for (const auto& [text, path] : paths) {
    EXPECT_EQ(Parsed(text).ClientConnectionString(), path) << text;
    EXPECT_EQ(Parsed(text).ClientConnectionStringWithPassword()->reveal(), path) << text;
  }
  EXPECT_EQ(Part(Parsed("/data/orders").ClientConnectionString().error()), "scheme");
}

// ---- tables and catalogs (URI-4)

TEST(UriTest, CallThatNeedsATable_SaysHowToNameOne) {
  EXPECT_TRUE(Parsed("deltasql://postgres/d/s/t").RequireTable());
  EXPECT_TRUE(Parsed("/data/orders").RequireTable());
  EXPECT_THAT(Parsed("deltasql://postgres/d/s/").RequireTable().error().message(),
              HasSubstr("after the last '/'"));
  EXPECT_THAT(Parsed("deltasql://sqlite/f").RequireTable().error().message(),
              HasSubstr("?table=NAME"));
  EXPECT_TRUE(Parsed("deltasql://duckdb/f").RequireCatalog());
  for (const char* text :
       {"deltasql://postgres/d/s/t", "deltasql://duckdb/f?table=t", "s3://b/k"}) {
    EXPECT_FALSE(Parsed(text).RequireCatalog()) << text;
  }
}

TEST(UriTest, TableOfACatalog_IsAnotherUri) {
  const Uri catalog = Parsed("deltasql://postgres/a:pw@h/d/s/?retries=1");
  const Uri table = catalog.WithTable("my/table").value();
  EXPECT_EQ(table.ToString(), "deltasql://postgres/a:***@h/d/s/my%2Ftable?retries=1");
  EXPECT_EQ(table.WithoutTable(), catalog);
  EXPECT_EQ(Parsed("deltasql://sqlite/f").WithTable("t")->ToString(),
            "deltasql://sqlite/f?table=t");
  EXPECT_EQ(Parsed("deltasql://sqlite/f?table=t").WithoutTable(), Parsed("deltasql://sqlite/f"));
  EXPECT_FALSE(catalog.WithTable(""));
  EXPECT_FALSE(Parsed("/a").WithTable("t"));
  EXPECT_FALSE(Parsed("/a").WithoutTable());
}

// ---- secrets (URI-9)

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };

TEST(UriTest, Secret_HasNoWayToAStream) {
  EXPECT_FALSE(Streamable<Secret>);
  EXPECT_TRUE(Streamable<Uri>);
  EXPECT_FALSE((std::is_convertible_v<Secret, std::string>));
}

TEST(UriTest, PrintedUri_HidesThePasswordAndAUserFromAVariable) {
  const Environment environment = Variables({{"U", "token"}, {"PW", "sesame"}});
  const Uri uri = Parsed("deltasql://postgres/$U:$PW@h/d/s/t", environment);
  std::ostringstream out;
  out << uri;
  EXPECT_EQ(out.str(), "deltasql://postgres/***:***@h/d/s/t");
  EXPECT_EQ(uri.WithTable("u")->ToString(), "deltasql://postgres/***:***@h/d/s/u");
  EXPECT_EQ(uri, Parsed("deltasql://postgres/token:sesame@h/d/s/t"));
  EXPECT_EQ(Parsed("deltasql://postgres/$U@h/d/s/t", environment).ToString(),
            "deltasql://postgres/***@h/d/s/t");
}

TEST(UriTest, PrintedUri_IsRefusedRatherThanTakenForAPassword) {
  EXPECT_EQ(Part(Refused("deltasql://postgres/alice:***@h/d/s/t")), "password");
  EXPECT_EQ(Part(Refused("deltasql://postgres/***:***@h/d/s/t")), "user");
  const Uri stars = Parsed("deltasql://postgres/%2A%2A%2A:%2A%2A%2A@h/d/s/t");
  EXPECT_EQ(stars.postgres()->user, "***");
  EXPECT_EQ(Parsed(stars.ToStringWithPassword().reveal()), stars);
}

TEST(UriTest, RedactedText_KeepsWhatCannotBeASecret) {
  const std::map<std::string, std::string> cases = {
      {"/data/orders", "/data/orders"},
      {"deltasql://postgres/h:5432/d/s/t?sslmode=require",
       "deltasql://postgres/h:5432/d/s/t?sslmode=require"},
      {"deltasql://postgres/a:pw@h:5432/d/s/t", "deltasql://postgres/***@h:5432/d/s/t"},
      {"deltasql://postgres/a:p@w@h/d/s/t", "deltasql://postgres/***@h/d/s/t"},
      {"deltasql://postgres/a:p/w?x@h/d/s/t", "deltasql://postgres/***@h/d/s/t"},
      {"deltasql://postgres/a:pw/d/s/t", "deltasql://postgres/a:***/d/s/t"},
      {"deltasql://postgres/h1:1,h2:pw/d/s/t", "deltasql://postgres/h1:1,h2:***/d/s/t"},
      {"deltasql://postgres/h:$PORT/d/s/t", "deltasql://postgres/h:$PORT/d/s/t"},
      {"postgres://a:pw@h/d", "postgres://***@h/d"},
      {"jdbc:postgresql://h/d?user=a&password=pw", "jdbc:***//h/d?user=***"},
      {"a:pw@h/d", "***@h/d"},
      {"host=h password=pw", "host=h password***"},
      {"deltasql://postgres/d/s/t?retries=1&secret=pw&pool_size=2",
       "deltasql://postgres/d/s/t?retries=1&secret=***"},
      {"deltasql://postgres/d/s/t?pw", "deltasql://postgres/d/s/t?***"},
      {"/data/a\nb", "/data/a?b"}};
  for (const auto& [text, redacted] : cases) EXPECT_EQ(RedactUriText(text), redacted) << text;
}

}  // namespace
}  // namespace deltalakedb
