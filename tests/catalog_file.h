// A catalog as its database sees it, past the library.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_folder.h"

namespace deltalakedb::store {
class DuckDbInstance;
}

namespace deltalakedb::testing {

using base::TempFolder;

// The table's URI in the catalog of an embedded database; names are percent-encoded.
std::string TableUriOf(std::string_view catalog_uri, std::string_view name);

// A commit's text out of what is kept of it.
std::string Decompressed(const std::string& compressed, std::size_t size);

// Every file below a folder with what is in it.
std::map<std::string, std::string> FilesIn(const std::filesystem::path& folder);

class CatalogFile {
 public:
  using Row = std::vector<std::string>;

  // Opens the file at each call and closes it again, so that nothing of it is held.
  explicit CatalogFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string uri() const { return "deltasql://sqlite/" + path_.native(); }

  std::string TableUri(std::string_view name) const { return TableUriOf(uri(), name); }

  // The values as SQLite gives them as text; null is "NULL". A test that fails says so.
  std::vector<Row> Query(const std::string& sql, const std::vector<std::string>& texts = {}) const;

  // Every row of every relation that belongs to the table.
  std::string Dump(std::string_view table_name) const;
  // All that there is, such that two of them differ when anything was changed.
  std::string Everything() const;
  // The text of a commit as it is kept, decompressed.
  std::string CommitText(std::string_view table_name, std::int64_t version) const;

 private:
  std::filesystem::path path_;
};

// The same of DuckDB.
class DuckDbCatalogFile {
 public:
  using Row = std::vector<std::string>;

  explicit DuckDbCatalogFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string uri() const { return "deltasql://duckdb/" + path_.native(); }

  std::string TableUri(std::string_view name) const { return TableUriOf(uri(), name); }

  // Keeps the database open between calls, as opening it takes a while.
  void Hold();
  // Shares the file with whoever in this process has it open.
  std::vector<Row> Query(const std::string& sql, const std::vector<std::string>& texts = {}) const;
  // Why DuckDB cannot prepare a statement; empty when it can.
  std::string WhyNotPrepared(const std::string& sql) const;

  std::string Dump(std::string_view table_name) const;
  std::string Everything() const;
  std::string CommitText(std::string_view table_name, std::int64_t version) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<store::DuckDbInstance> held_;
};

}  // namespace deltalakedb::testing
