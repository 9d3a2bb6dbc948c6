// No password, and no user that came from a variable, is in anything that may be printed: texts of
// URIs, errors and their facts, warnings, names of databases, and what the program prints.
//
// Random URIs that are wrong, or whose server is not there, refuses the password or takes it.
// DELTALAKEDB_SEED repeats a run, DELTALAKEDB_SOAK=1 makes it long.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/catalog.h"
#include "deltalakedb/import.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/table.h"
#include "deltalakedb/uri.h"
#include "store/database.h"
#include "store/unique_handle.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {
namespace {

constexpr int kRounds = 2'000;
constexpr int kSoakRounds = 100'000;
// One round in so many.
constexpr int kRoundsPerServer = 50;
constexpr std::size_t kProgramRuns = 40;
// Found nowhere by accident.
constexpr std::size_t kTokenBytes = 8;

int Rounds() {
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  return soak != nullptr && std::string_view(soak) == "1" ? kSoakRounds : kRounds;
}

// All that is special somewhere: in URIs, in libpq's connection strings, in formats, in JSON.
constexpr auto kSpecial = std::to_array<std::string_view>(
    {" ",   "\t",        "\n",   "'",    "\"",   "\\",       "\\'",      "%",
     "%%",  "%s",        "%41",  "$",    "$$",   "$1",       "${",       "}",
     "{",   "{}",        "{0}",  "@",    ":",    "/",        "?",        "#",
     "&",   "=",         "+",    ",",    ";",    "[",        "]",        "*",
     "***", ".*",        "^$",   "|",    "~",    "\x1b[31m", "\x7f",     "é",
     "表",  "😀",        "\xff", "\xc3", "\x80", "\x01",     " host=x ", "db.example:5432",
     "://", "password=", "</a>"});

// What a round looks for.
class Needles {
 public:
  void Add(std::string needle) { needles_.push_back(std::move(needle)); }

  bool AreIn(std::string_view text) const {
    return std::ranges::any_of(needles_, [&](const std::string& needle) {
      return text.find(needle) != std::string_view::npos;
    });
  }
  void ExpectNotIn(std::string_view text, std::string_view what) const {
    EXPECT_FALSE(AreIn(text)) << what << ": " << text;
  }
  void ExpectNotIn(const Error& error) const {
    ExpectNotIn(error.message(), "message");
    for (const auto& [name, value] : error.facts()) {
      if (const auto* text = std::get_if<std::string>(&value)) ExpectNotIn(*text, name);
    }
  }

 private:
  std::vector<std::string> needles_;
};

class CheckingSink final : public LogSink {
 public:
  explicit CheckingSink(const Needles& needles) : needles_(needles) {}
  void Write(LogLevel, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    needles_.ExpectNotIn(message, "log");
  }

 private:
  const Needles& needles_;
  std::mutex mutex_;
};

class PasswordTest : public ::testing::Test {
 protected:
  // Where a URI leads.
  enum class Place { kBroken, kRefused, kNoFolder, kWrongPassword, kRightPassword };

  PasswordTest() {
    const char* const given = std::getenv("DELTALAKEDB_SEED");
    const unsigned long seed = given != nullptr ? std::stoul(given) : std::random_device{}();
    std::cout << "DELTALAKEDB_SEED=" << seed << '\n';
    random_.seed(seed);
    const auto log = source_.path() / "_delta_log";
    std::filesystem::create_directories(log);
    std::ofstream(log / "00000000000000000000.json")
        << R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}}
{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}
)";
  }

  std::size_t Below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  bool Chance(int percent) { return Below(100) < static_cast<std::size_t>(percent); }
  template <std::size_t n>
  std::string_view OneOf(const std::array<std::string_view, n>& choices) {
    return choices[Below(n)];
  }

  std::string Token() {
    constexpr std::string_view kLetters =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string token;
    while (token.size() < kTokenBytes) token += kLetters[Below(kLetters.size())];
    needles_.Add(token);
    return token;
  }
  // Tokens with anything between them, anything alone, or very much of it.
  std::string Password() {
    std::string password;
    const bool has_tokens = Chance(80);
    const std::size_t pieces = Chance(3) ? 500 + Below(5'000) : 2 + Below(6);
    for (std::size_t i = 0; i < pieces || password.size() < 2 * kTokenBytes; ++i) {
      if (has_tokens && (i == 0 || (i < 5 && Chance(50)))) {
        password += Token();
      } else if (Chance(30)) {
        password += static_cast<char>(1 + Below(255));
      } else {
        password += OneOf(kSpecial);
      }
    }
    needles_.Add(password);
    needles_.Add(AllEncoded(password));
    needles_.Add(Encoded(password));
    return password;
  }
  static std::string AllEncoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) encoded += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    return encoded;
  }
  // The password as a URI holds it, percent-encoded or by a variable's name.
  std::string Written(const std::string& password) {
    if (Chance(40)) {
      ::setenv("DELTALAKEDB_TEST_PASSWORD", password.c_str(), 1);
      return "${DELTALAKEDB_TEST_PASSWORD}";
    }
    return Chance(50) ? Encoded(password) : AllEncoded(password);
  }
  // A user that the URI shows, or one that a variable gives and nothing shows.
  std::string User() {
    if (Chance(60)) return Chance(50) ? "a" : "alice";
    ::setenv("DELTALAKEDB_TEST_USER", Token().c_str(), 1);
    return "${DELTALAKEDB_TEST_USER}";
  }

  Place RandomPlace(int round) {
    if (round % kRoundsPerServer == 0) return Place::kWrongPassword;
    if (round % kRoundsPerServer == 1) return Place::kRightPassword;
    if (Chance(20)) return Place::kBroken;
    return Chance(50) ? Place::kRefused : Place::kNoFolder;
  }
  std::string Hosts(Place place) {
    std::string server = fmt::format("127.0.0.1:{}", server_.port());
    switch (place) {
      case Place::kBroken:
        return std::string(OneOf(std::to_array<std::string_view>(
            {"", "[::1", "h:x", "h:65536", "::1", "h,", "$NOT_SET_HERE", "${", "h%2", "%FF", "*",
             "a@b", "127.0.0.1:1", "h:1:2"})));
      case Place::kRefused:
        return std::string(OneOf(std::to_array<std::string_view>(
            {"127.0.0.1:1", "[::1]:1", "127.0.0.1:1,127.0.0.1:2", "127.0.0.1:$PORT_OF_TEST"})));
      case Place::kNoFolder:
        return Chance(50) ? "%2Fnone%2Fhere" : "%2Fnone:1,%2Fnot%2Fhere";
      case Place::kWrongPassword:
        return Chance(20) ? "127.0.0.1:1," + server : server;
      case Place::kRightPassword:
        return server;
    }
    return "";
  }
  std::string Options(Place place) {
    std::string options = "retries=0";
    if (place == Place::kBroken || Chance(5)) {
      options = OneOf(std::to_array<std::string_view>(
          {"retries=-1", "retry=1", "sslmode=no", "retries=0&retries=0", "table=x", "prepare", "=",
           "retries=$NOT_SET_HERE", "connect_timeout=0", "application_name="}));
    }
    if (Chance(60)) {
      options += OneOf(std::to_array<std::string_view>(
          {"&sslmode=prefer", "&sslmode=disable", "&sslmode=require", "&prepare=off",
           "&sslmode=verify-full&sslrootcert=/none/here", "&connect_timeout=5",
           "&application_name=it's%20%22me%22", "&sslcert=/none/here&sslkey=/none/too",
           "&target_session_attrs=standby", "&statement_timeout=5000", "&pool_size=1"}));
    }
    return options;
  }
  struct Made {
    std::string text;
    bool is_table = false;
  };
  Made MakeUri(Place place);
  // Has the server take the password for a user of its own.
  void SetPassword(const std::string& password) const;
  // The text is not a URI, or one that leads nowhere, or to a server.
  void CheckText(const Made& made);
  void CheckCalls(const Made& made);
  void CheckDatabase(const Uri& uri);
  void CheckProgram(const Made& made, bool as_json);

  std::mt19937_64 random_;
  base::TempFolder source_;
  PostgresServer& server_ = PostgresServer::Shared();
  Needles needles_;
  std::map<std::string, int> outcomes_;  // so many rounds came that far
};

PasswordTest::Made PasswordTest::MakeUri(Place place) {
  needles_ = {};
  const std::string password = Password();
  const bool is_right = place == Place::kRightPassword;
  if (is_right) SetPassword(password);
  std::string written = Written(password);
  if (place == Place::kBroken && Chance(30))
    written += OneOf(
        std::to_array<std::string_view>({"%", "%4", "%G1", "$", "${", "${}", "@", "/", "%00"}));
  Made made;
  made.is_table = Chance(50);
  made.text = fmt::format("deltasql://postgres/{}:{}@{}/{}/{}/{}?{}", is_right ? "fuzz" : User(),
                          written, Hosts(place), is_right ? server_.database() : "shop",
                          Chance(80) ? "public" : "none", made.is_table ? "t" : "", Options(place));
  return made;
}

void PasswordTest::SetPassword(const std::string& password) const {
  const store::UniqueHandle<PGconn, PQfinish> connection(
      PQconnectdb(server_.ConnectionString().c_str()));
  const store::UniqueHandle<char, PQfreemem> verifier(
      PQencryptPasswordConn(connection.get(), password.c_str(), "fuzz", "scram-sha-256"));
  ASSERT_NE(verifier, nullptr) << PQerrorMessage(connection.get());
  const std::string sql = fmt::format(
      "DO $$ BEGIN CREATE ROLE fuzz LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "ALTER ROLE fuzz PASSWORD '{}'",
      verifier.get());
  const store::UniqueHandle<PGresult, PQclear> done(PQexec(connection.get(), sql.c_str()));
  ASSERT_EQ(PQresultStatus(done.get()), PGRES_COMMAND_OK) << PQerrorMessage(connection.get());
}

void PasswordTest::CheckText(const Made& made) {
  needles_.ExpectNotIn(RedactUriText(made.text), "RedactUriText");
  const auto uri = Uri::Parse(made.text);
  if (!uri) {
    needles_.ExpectNotIn(uri.error());
    ++outcomes_["not parsed"];
    return;
  }
  needles_.ExpectNotIn(uri->ToString(), "ToString");
  std::ostringstream printed;
  printed << *uri << *uri->WithoutTable() << *uri->WithTable("other");
  needles_.ExpectNotIn(printed.str(), "<<");
  CheckDatabase(*uri);
}

void PasswordTest::CheckDatabase(const Uri& uri) {
  const auto database = store::Database::Open(uri, store::DatabaseMode::kRead);
  if (!database) {
    needles_.ExpectNotIn(database.error());
    const auto* state = database.error().FindFact("sqlState");
    ++outcomes_[state == nullptr ? "no SQLSTATE" : std::get<std::string>(*state)];
    return;
  }
  ++outcomes_["opened"];
  needles_.ExpectNotIn((*database)->name(), "name");
  const auto counters = (*database)->counters();
  EXPECT_EQ(counters.opened, 1);
  EXPECT_EQ(counters.failed, 0);
}

// One of the calls, each of which opens the database by itself.
void PasswordTest::CheckCalls(const Made& made) {
  CheckingSink sink(needles_);
  const auto check = [&](const auto& result) {
    if (!result) needles_.ExpectNotIn(result.error());
  };
  switch (Below(7)) {
    case 0:
      check(DeltaTable::Open(made.text, {&sink}));
      break;
    case 1:
      check(ListTables(made.text));
      break;
    case 2: {
      ImportOptions options;
      options.log_sink = &sink;
      options.dry_run = Chance(50);
      if (Chance(50)) options.name = "t";
      check(ImportTable(source_.path().native(), made.text, options));
      break;
    }
    case 3: {
      VerifyOptions options;
      options.log_sink = &sink;
      check(VerifyTable(made.text, options));
      break;
    }
    case 4:
      check(ListMigrations(made.text));
      break;
    case 5:
      check(ImportTable(made.text, "deltasql://sqlite/:memory:?table=t"));
      break;
    default:
      check(InitCatalog(made.text));
      break;
  }
}

// All that a program prints, and how it ends.
struct Printed {
  std::string text;
  int status = -1;
};

Printed RunProgram(std::vector<std::string> arguments) {
  std::array<int, 2> from{};
  EXPECT_EQ(::pipe2(from.data(), O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, from[1], STDERR_FILENO);
  arguments.insert(arguments.begin(), DELTALAKEDB_PROGRAM);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::pid_t process = -1;
  EXPECT_EQ(
      ::posix_spawn(&process, DELTALAKEDB_PROGRAM, &actions, nullptr, pointers.data(), environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(from[1]);
  Printed printed;
  std::array<char, 4096> buffer{};
  for (::ssize_t got = 0; (got = ::read(from[0], buffer.data(), buffer.size())) > 0;) {
    printed.text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(from[0]);
  ::waitpid(process, &printed.status, 0);
  return printed;
}

void PasswordTest::CheckProgram(const Made& made, bool as_json) {
  std::vector<std::string> arguments = {
      std::string(OneOf(std::to_array<std::string_view>(
          {"tables", "snapshot", "files", "verify", "init", "history", "import"}))),
      made.text};
  if (arguments[0] == "import") arguments.insert(arguments.begin() + 1, source_.path().native());
  if (as_json) arguments.emplace_back("--json");
  const Printed printed = RunProgram(std::move(arguments));
  EXPECT_TRUE(WIFEXITED(printed.status));
  needles_.ExpectNotIn(printed.text, "program");
  if (!as_json || printed.status == 0) return;
  // What JSON escapes has to be looked at as it is meant.
  const auto error = nlohmann::json::parse(printed.text, nullptr, false);
  ASSERT_TRUE(error.is_object()) << printed.text;
  for (const auto& [name, value] : error["error"].items()) {
    if (value.is_string()) needles_.ExpectNotIn(value.get<std::string>(), name);
  }
}

TEST_F(PasswordTest, NoFailure_TellsAPassword) {
  ::setenv("PORT_OF_TEST", "1", 1);
  const int rounds = Rounds();
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const Made made = MakeUri(RandomPlace(round));
    CheckText(made);
    CheckCalls(made);
  }
  std::cout << rounds << " rounds:";
  for (const auto& [outcome, count] : outcomes_) std::cout << " " << count << " " << outcome;
  std::cout << '\n';
  for (const char* const each : {"not parsed", "08001", "28P01", "opened"}) {
    EXPECT_GT(outcomes_[each], 0) << each;
  }
}

TEST_F(PasswordTest, Program_TellsNoPassword) {
  ::setenv("PORT_OF_TEST", "1", 1);
  for (std::size_t run = 0; run < kProgramRuns && !HasFailure(); ++run) {
    SCOPED_TRACE(fmt::format("run {}", run));
    // Every tenth goes to a server.
    const int round = run % 10 < 2 ? static_cast<int>(run % 10) : 2;
    CheckProgram(MakeUri(RandomPlace(round)), /*as_json=*/run % 4 != 0);
  }
}

// The tests above would find it.
TEST_F(PasswordTest, Needles_AreFound) {
  const std::string password = Password();
  EXPECT_TRUE(needles_.AreIn("password=" + password));
  EXPECT_TRUE(needles_.AreIn("deltasql://postgres/a:" + Encoded(password) + "@h/d/s/"));
  needles_ = {};
  EXPECT_TRUE(needles_.AreIn("user " + Token()));
  EXPECT_FALSE(needles_.AreIn("user alice"));
}

}  // namespace
}  // namespace deltalakedb::testing
