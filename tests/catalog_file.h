// An SQLite catalog as SQLite itself sees it, past the library.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_folder.h"

namespace deltalakedb::testing {

using base::TempFolder;

// Every file below a folder with what is in it.
std::map<std::string, std::string> FilesIn(const std::filesystem::path& folder);

class CatalogFile {
 public:
  using Row = std::vector<std::string>;

  // Opens the file at each call and closes it again, so that nothing of it is held.
  explicit CatalogFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string uri() const { return "deltasql://sqlite/" + path_.native(); }
  // Names in URIs are percent-encoded.
  std::string TableUri(std::string_view name) const;

  // The values as SQLite gives them as text; null is "NULL". A test that fails says so.
  std::vector<Row> Query(const std::string& sql, const std::vector<std::string>& texts = {}) const;

  // Every row of every relation that belongs to the table, as SQL literals.
  std::string Dump(std::string_view table_name) const;

  // The text of a commit as it is kept, decompressed.
  std::string CommitText(std::string_view table_name, std::int64_t version) const;

 private:
  std::filesystem::path path_;
};

}  // namespace deltalakedb::testing
