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

// Every file below a folder with what is in it.
std::map<std::string, std::string> FilesIn(const std::filesystem::path& folder);

// A catalog in a database of some kind.
class StoredCatalog {
 public:
  virtual ~StoredCatalog() = default;

  virtual std::string uri() const = 0;
  // Names in URIs are percent-encoded.
  std::string TableUri(std::string_view name) const;

  // Keeps the database open between calls, where opening it takes a while.
  virtual void Hold() {}
  // Every row of every relation that belongs to the table.
  virtual std::string Dump(std::string_view table_name) const = 0;
  // All that there is, such that two of them differ when anything was changed.
  virtual std::string Everything() const = 0;
  // The text of a commit as it is kept, decompressed.
  virtual std::string CommitText(std::string_view table_name, std::int64_t version) const = 0;
};

enum class CatalogKind { kSqlite, kDuckDb };
inline constexpr CatalogKind kCatalogKinds[] = {CatalogKind::kSqlite, CatalogKind::kDuckDb};
// For the names of tests.
std::string NameOf(CatalogKind kind);

// One in a new database, whose files, if it has any, are in `folder`; not made yet.
std::unique_ptr<StoredCatalog> MakeCatalog(CatalogKind kind, const std::filesystem::path& folder);

class CatalogFile final : public StoredCatalog {
 public:
  using Row = std::vector<std::string>;

  // Opens the file at each call and closes it again, so that nothing of it is held.
  explicit CatalogFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string uri() const override { return "deltasql://sqlite/" + path_.native(); }

  // The values as SQLite gives them as text; null is "NULL". A test that fails says so.
  std::vector<Row> Query(const std::string& sql, const std::vector<std::string>& texts = {}) const;

  std::string Dump(std::string_view table_name) const override;
  std::string Everything() const override;
  std::string CommitText(std::string_view table_name, std::int64_t version) const override;

 private:
  std::filesystem::path path_;
};

// The same of DuckDB.
class DuckDbCatalogFile final : public StoredCatalog {
 public:
  using Row = std::vector<std::string>;

  explicit DuckDbCatalogFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string uri() const override { return "deltasql://duckdb/" + path_.native(); }

  void Hold() override;
  // Shares the file with whoever in this process has it open.
  std::vector<Row> Query(const std::string& sql, const std::vector<std::string>& texts = {}) const;
  // Why DuckDB cannot prepare a statement; empty when it can.
  std::string WhyNotPrepared(const std::string& sql) const;

  std::string Dump(std::string_view table_name) const override;
  std::string Everything() const override;
  std::string CommitText(std::string_view table_name, std::int64_t version) const override;

 private:
  std::filesystem::path path_;
  std::shared_ptr<store::DuckDbInstance> held_;
};

}  // namespace deltalakedb::testing
