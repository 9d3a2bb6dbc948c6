#include "tests/catalog_file.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <array>
#include <fstream>
#include <iterator>

#include "store/duckdb/duckdb_instance.h"
#include "store/duckdb/duckdb_values.h"

namespace deltalakedb::testing {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct CloseStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

std::string TextOf(sqlite3_stmt* statement, int column) {
  if (sqlite3_column_type(statement, column) == SQLITE_NULL) return "NULL";
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const int size = sqlite3_column_bytes(statement, column);
  return bytes == nullptr ? "" : std::string(bytes, static_cast<std::size_t>(size));
}

}  // namespace

std::string Decompressed(const std::string& compressed, std::size_t size) {
  std::string text(size, '\0');
  const std::size_t done =
      ZSTD_decompress(text.data(), text.size(), compressed.data(), compressed.size());
  EXPECT_EQ(done, size) << "the text has another size than is kept of it";
  return text;
}

std::map<std::string, std::string> FilesIn(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    files[file.path().native()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

std::string TableUriOf(std::string_view catalog_uri, std::string_view name) {
  std::string encoded;
  for (const char c : name) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
      encoded += c;
    } else {
      encoded.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return std::string(catalog_uri) + "?table=" + encoded;
}

std::vector<CatalogFile::Row> CatalogFile::Query(const std::string& sql,
                                                 const std::vector<std::string>& texts) const {
  sqlite3* opened = nullptr;
  const int status = sqlite3_open_v2(path_.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, CloseDatabase> database(opened);
  EXPECT_EQ(status, SQLITE_OK) << path_;
  sqlite3_stmt* prepared = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(opened, sql.c_str(), -1, &prepared, nullptr), SQLITE_OK)
      << sql << ": " << sqlite3_errmsg(opened);
  const std::unique_ptr<sqlite3_stmt, CloseStatement> statement(prepared);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    sqlite3_bind_text(prepared, static_cast<int>(i) + 1, texts[i].data(),
                      static_cast<int>(texts[i].size()), SQLITE_TRANSIENT);
  }
  std::vector<Row> rows;
  int step = SQLITE_DONE;
  while (prepared != nullptr && (step = sqlite3_step(prepared)) == SQLITE_ROW) {
    Row& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(prepared); ++i) row.push_back(TextOf(prepared, i));
  }
  EXPECT_EQ(step, SQLITE_DONE) << sql << ": " << sqlite3_errmsg(opened);
  return rows;
}

std::string CatalogFile::Dump(std::string_view table_name) const {
  const auto found =
      Query("SELECT hex(table_id) FROM dl_tables WHERE name = ?", {std::string(table_name)});
  if (found.empty()) return "no table " + std::string(table_name);
  std::string dump;
  for (const Row& relation : Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND "
                                   "name LIKE 'dl\\_%' ESCAPE '\\' ORDER BY name")) {
    if (relation[0] == "dl_schema_migrations") continue;
    std::string columns;
    for (const Row& column :
         Query("SELECT name FROM pragma_table_xinfo(?) ORDER BY cid", {relation[0]})) {
      if (!columns.empty()) columns += " || ',' || ";
      columns += "quote(" + column[0] + ")";
    }
    dump += "-- " + relation[0] + "\n";
    for (const Row& row : Query("SELECT " + columns + " FROM " + relation[0] +
                                " WHERE table_id = x'" + found[0][0] + "' ORDER BY 1")) {
      dump += row[0] + "\n";
    }
  }
  return dump;
}

std::string CatalogFile::Everything() const {
  std::string all;
  for (const auto& [name, content] : FilesIn(path_.parent_path())) {
    all.append(name).append(1, '\0').append(content);
  }
  return all;
}

namespace {

// The text of a commit, which the same statements find in every file; query(sql, name).
template <typename Query>
std::string CommitTextOf(std::string_view table_name, std::int64_t version, const Query& query) {
  const std::string which = " FROM dl_tables t JOIN ";
  const std::string where =
      " v USING (table_id) WHERE t.name = ? AND v.version = " + std::to_string(version);
  const std::string name(table_name);
  const auto row =
      query("SELECT body_parts, body_bytes, body" + which + "dl_table_versions" + where, name);
  if (row.size() != 1 || row[0][1] == "NULL") return "no text";
  if (row[0][0] == "0") return Decompressed(row[0][2], std::stoull(row[0][1]));
  std::string text;
  for (const auto& part : query("SELECT v.text_bytes, v.body" + which + "dl_body_parts" + where +
                                    " AND v.origin = 0 ORDER BY v.part",
                                name)) {
    text += Decompressed(part[1], std::stoull(part[0]));
  }
  return text;
}

std::string TextOf(const store::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* blob = std::get_if<store::Blob>(&value)) return std::string(blob->bytes);
  return "NULL";
}

}  // namespace

std::string CatalogFile::CommitText(std::string_view table_name, std::int64_t version) const {
  return CommitTextOf(table_name, version, [&](const std::string& sql, const std::string& name) {
    return Query(sql, {name});
  });
}

// ---- DuckDB -------------------------------------------------------------------------------------

std::vector<DuckDbCatalogFile::Row> DuckDbCatalogFile::Query(
    const std::string& sql, const std::vector<std::string>& texts) const {
  using store::DuckDb;
  const auto instance = store::DuckDbInstance::Open({.path = path_.native()});
  if (!instance) {
    ADD_FAILURE() << instance.error().message();
    return {};
  }
  const auto connection = *(*instance)->Connect();
  duckdb_prepared_statement made = nullptr;
  DuckDb().prepare(connection.get(), sql.c_str(), &made);
  const store::DuckDbPrepared statement(made);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_TRUE(store::BindDuckDbValue(made, i + 1, std::string_view(texts[i])).has_value());
  }
  store::DuckDbResult result;
  const auto state = DuckDb().execute_prepared(made, result.get());
  EXPECT_EQ(state, DuckDBSuccess) << sql << ": " << DuckDb().result_error(result.get());
  std::vector<duckdb_type> types(DuckDb().column_count(result.get()));
  for (std::size_t i = 0; i < types.size(); ++i) {
    types[i] = DuckDb().column_type(result.get(), i);
  }
  std::vector<Row> found;
  store::DuckDbRows rows(types);
  for (;;) {
    store::DuckDbChunk chunk(DuckDb().fetch_chunk(*result.get()));
    if (chunk == nullptr) return found;
    rows.Take(std::move(chunk));
    while (rows.Next()) {
      Row& row = found.emplace_back();
      for (int i = 0; i < static_cast<int>(types.size()); ++i) row.push_back(TextOf(rows.Get(i)));
    }
  }
}

std::string DuckDbCatalogFile::WhyNotPrepared(const std::string& sql) const {
  using store::DuckDb;
  const auto instance = store::DuckDbInstance::Open({.path = path_.native()});
  if (!instance) return instance.error().message();
  const auto connection = *(*instance)->Connect();
  store::DuckDbResult result;
  const std::string prepare = "PREPARE each AS " + sql;
  const auto state = DuckDb().query(connection.get(), prepare.c_str(), result.get());
  return state == DuckDBSuccess ? "" : DuckDb().result_error(result.get());
}

void DuckDbCatalogFile::Hold() {
  auto instance = store::DuckDbInstance::Open({.path = path_.native()});
  EXPECT_TRUE(instance.has_value());
  if (instance) held_ = *std::move(instance);
}

std::string DuckDbCatalogFile::Dump(std::string_view table_name) const {
  std::string dump;
  for (const Row& relation :
       Query("SELECT DISTINCT table_name FROM duckdb_columns() WHERE column_name = 'table_id' AND "
             "NOT internal ORDER BY 1")) {
    dump += "-- " + relation[0] + "\n";
    for (const Row& row : Query("SELECT * FROM " + relation[0] +
                                    " WHERE table_id = (SELECT table_id FROM dl_tables WHERE name "
                                    "= ?) ORDER BY ALL",
                                {std::string(table_name)})) {
      for (const std::string& value : row) dump.append(value).append(1, '\0');
      dump += '\n';
    }
  }
  return dump;
}

std::string DuckDbCatalogFile::Everything() const {
  std::string all;
  for (const Row& table : Query("SELECT table_name FROM duckdb_tables() ORDER BY 1")) {
    all += "-- " + table[0] + "\n";
    for (const Row& row : Query("SELECT * FROM " + table[0] + " ORDER BY ALL")) {
      for (const std::string& value : row) all.append(value).append(1, '\0');
    }
  }
  return all;
}

std::string DuckDbCatalogFile::CommitText(std::string_view table_name, std::int64_t version) const {
  return CommitTextOf(table_name, version, [&](const std::string& sql, const std::string& name) {
    return Query(sql, {name});
  });
}

}  // namespace deltalakedb::testing
