// Runs the tables of docs/uri.md: what the guide says is what the parser does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/uri_internal.h"
#include "deltalakedb/uri.h"

namespace deltalakedb {
namespace {

using ::testing::HasSubstr;

using Row = std::vector<std::string>;

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// The text of a cell: without the marks of code, and nothing for a dash.
std::string CellText(const std::string& cell) {
  std::string text = Trimmed(cell);
  if (text == "–") return "";
  if (text.size() > 2 && text.front() == '`' && text.back() == '`') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

// The rows of the table that stands after `<!-- rows: name -->`, without its two lines of header.
std::vector<Row> GuideRows(const std::string& name) {
  // The source tree is where this file is.
  const std::string here = __FILE__;
  std::ifstream guide(here.substr(0, here.rfind('/')) + "/../../docs/uri.md");
  std::vector<Row> rows;
  std::string line;
  while (std::getline(guide, line) && line != "<!-- rows: " + name + " -->") {
  }
  std::getline(guide, line);
  std::getline(guide, line);
  while (std::getline(guide, line) && line.starts_with('|')) {
    Row row;
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(CellText(cell));
    rows.push_back(row);
  }
  EXPECT_FALSE(rows.empty()) << "docs/uri.md has no table " << name;
  return rows;
}

Environment GuideEnvironment() {
  std::map<std::string, std::string, std::less<>> variables;
  for (const Row& row : GuideRows("environment")) variables[row.at(0)] = row.at(1);
  return [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Result<Uri> ParseRow(const Row& row) {
  Result<Uri> uri = Uri::Parse(row.at(0), GuideEnvironment());
  if (uri) {
    const Result<Uri> again = Uri::Parse(uri->ToStringWithPassword().reveal(), GuideEnvironment());
    EXPECT_TRUE(again.has_value()) << again.error().message();
    EXPECT_TRUE(again == *uri) << row.at(0) << " became " << uri->ToString();
  } else {
    ADD_FAILURE() << row.at(0) << ": " << uri.error().message();
  }
  return uri;
}

// The cell that shows hosts: `h1:5432` `h2`.
std::string HostsCell(const std::vector<PostgresHost>& hosts) {
  std::string cell;
  for (const PostgresHost& host : hosts) {
    if (!cell.empty()) cell += "` `";
    cell += host.name;
    if (host.port) cell += ':' + std::to_string(*host.port);
  }
  return cell;
}

TEST(UriGuideTest, PostgresRows_MeanWhatTheGuideSays) {
  for (const Row& row : GuideRows("postgres")) {
    SCOPED_TRACE(row.at(0));
    const Result<Uri> uri = ParseRow(row);
    if (!uri) continue;
    const PostgresParts* parts = uri->postgres();
    ASSERT_NE(parts, nullptr);
    EXPECT_EQ(uri->kind(), UriKind::kPostgres);
    EXPECT_EQ(parts->user.value_or(""), row.at(1));
    EXPECT_EQ(parts->password ? parts->password->reveal() : "", row.at(2));
    EXPECT_EQ(HostsCell(parts->hosts), row.at(3));
    EXPECT_EQ(parts->database, row.at(4));
    EXPECT_EQ(parts->schema, row.at(5));
    EXPECT_EQ(parts->table.value_or(""), row.at(6));
    EXPECT_EQ(uri->is_catalog(), row.at(6).empty());
  }
}

TEST(UriGuideTest, EmbeddedRows_MeanWhatTheGuideSays) {
  for (const Row& row : GuideRows("embedded")) {
    SCOPED_TRACE(row.at(0));
    const Result<Uri> uri = ParseRow(row);
    if (!uri) continue;
    const EmbeddedParts* parts = uri->embedded();
    ASSERT_NE(parts, nullptr);
    EXPECT_EQ(uri->kind() == UriKind::kSqlite ? "SQLite" : "DuckDB", row.at(1));
    EXPECT_EQ(parts->path, row.at(2));
    EXPECT_EQ(parts->table.value_or(""), row.at(3));
    EXPECT_EQ(uri->is_catalog(), row.at(3).empty());
  }
}

TEST(UriGuideTest, FileRows_MeanWhatTheGuideSays) {
  const std::map<std::string, UriKind> kinds = {{"file", UriKind::kFile},
                                                {"s3", UriKind::kS3},
                                                {"gs", UriKind::kGcs},
                                                {"abfss", UriKind::kAbfss}};
  for (const Row& row : GuideRows("files")) {
    SCOPED_TRACE(row.at(0));
    const Result<Uri> uri = ParseRow(row);
    if (!uri) continue;
    EXPECT_EQ(uri->kind(), kinds.at(row.at(1)));
    EXPECT_FALSE(uri->is_catalog());
    if (const FileParts* file = uri->file()) {
      EXPECT_EQ(file->path, row.at(3));
      continue;
    }
    const ObjectStoreParts* parts = uri->object_store();
    ASSERT_NE(parts, nullptr);
    const std::string account = parts->account_host.empty() ? "" : "@" + parts->account_host;
    EXPECT_EQ(parts->bucket + account, row.at(2));
    EXPECT_EQ(parts->key, row.at(3));
  }
}

TEST(UriGuideTest, ErrorRows_NameThePartAndNoSecret) {
  for (const Row& row : GuideRows("errors")) {
    SCOPED_TRACE(row.at(0));
    const Result<Uri> uri = Uri::Parse(row.at(0), GuideEnvironment());
    ASSERT_FALSE(uri.has_value());
    EXPECT_EQ(uri.error().code(), ErrorCode::kInvalidArgument);
    const Error::FactValue* part = uri.error().FindFact("uriPart");
    ASSERT_NE(part, nullptr);
    EXPECT_EQ(std::get<std::string>(*part), row.at(1)) << uri.error().message();
    EXPECT_THAT(uri.error().message(), Not(HasSubstr("pw")));
    EXPECT_THAT(uri.error().message(), Not(HasSubstr("secret")));
  }
}

// Whether the option is taken with that value, in a URI of a database that has it.
class OptionTrial {
 public:
  OptionTrial(const std::string& catalog, const std::string& name)
      : text_(catalog + "?" + name + "=$VALUE") {}

  bool operator()(const std::string& value) const {
    const auto environment = [&value](std::string_view) { return std::optional(value); };
    return Uri::Parse(text_, environment).has_value();
  }

 private:
  std::string text_;
};

// Tries the values that the guide allows, and some beside them: "4 to 9 seconds", "on, off".
void TryOption(const OptionTrial& takes, const std::string& rule) {
  std::istringstream words(rule);
  std::string min, to, max;
  words >> min >> to >> max;
  if (to != "to") {
    std::istringstream values(rule);
    for (std::string value; std::getline(values >> std::ws, value, ',');) {
      EXPECT_TRUE(takes(value)) << value;
      EXPECT_FALSE(takes(value + "x")) << value;
    }
    return;
  }
  const auto text = [&rule](long number) {
    const bool counts_bytes = rule.ends_with("bytes");
    if (!counts_bytes) return std::to_string(number);
    return std::string(static_cast<std::size_t>(number), 'a');
  };
  EXPECT_TRUE(takes(text(std::stol(min))));
  EXPECT_TRUE(takes(text(std::stol(max))));
  EXPECT_FALSE(takes(text(std::stol(min) - 1)));
  EXPECT_FALSE(takes(text(std::stol(max) + 1)));
}

TEST(UriGuideTest, OptionRows_AreTheOptionsThereAre) {
  std::string postgres_names;
  std::string embedded_names;
  for (const Row& row : GuideRows("options")) {
    const std::string& name = row.at(0);
    SCOPED_TRACE(name);
    const bool everywhere = row.at(1) == "all";
    if (everywhere || row.at(1) == "PostgreSQL") {
      postgres_names += (postgres_names.empty() ? "" : ", ") + name;
      TryOption(OptionTrial("deltasql://postgres/shop/public/", name), row.at(2));
    }
    if (everywhere || row.at(1) == "SQLite, DuckDB") {
      embedded_names += (embedded_names.empty() ? "" : ", ") + name;
      TryOption(OptionTrial("deltasql://sqlite/meta.db", name), row.at(2));
      TryOption(OptionTrial("deltasql://duckdb/cat.duckdb", name), row.at(2));
    }
  }
  const auto complaint = [](std::string_view text) { return Uri::Parse(text).error().message(); };
  EXPECT_THAT(complaint("deltasql://postgres/a/b/?x=1"), HasSubstr(postgres_names));
  EXPECT_THAT(complaint("deltasql://sqlite/a.db?x=1"), HasSubstr(embedded_names));
  EXPECT_THAT(complaint("deltasql://duckdb/a.db?x=1"), HasSubstr(embedded_names));
}

}  // namespace
}  // namespace deltalakedb
