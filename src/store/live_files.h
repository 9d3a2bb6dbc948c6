// The live files of a table that is being written to, in memory, for a database that finds no
// single row quickly (DuckDB): there, looking up each removed file would read all rows each time.
//
// About 80 bytes per live file. Thread-safety: as the connection.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "protocol/hash128.h"
#include "store/connection.h"

namespace deltalakedb::store {

// What a file is found by.
struct FileName {
  std::string_view path_key;  // 16 bytes
  std::string_view dv_id;
  std::string_view path;  // as it is written where the file is named
};

// A file whose live interval was ended.
struct EndedFile {
  std::string path;
  std::int64_t size_bytes = 0;
};

// Within one write transaction, and one table at a time.
class LiveFiles {
 public:
  explicit LiveFiles(Connection& connection) : connection_(connection) {}

  // Rows of insert_add_file that go into the table as well.
  void Insert(std::span<const Value> rows);
  // As MetadataStore::EndFiles. The first call reads what the table has.
  template <typename Visit>
  Result<void> End(const TableId& table, Version version, std::span<const FileName> files,
                   const Visit& visit) {
    DELTALAKEDB_TRY(Load(table));
    for (std::size_t i = 0; i < files.size(); ++i) {
      DELTALAKEDB_ASSIGN(auto ended, EndOne(version, files[i]));
      if (ended) DELTALAKEDB_TRY(visit(i, *ended));
    }
    return {};
  }
  // Writes the ends that are still to be written.
  Result<void> Flush();
  // The rows of the table were taken away, or changed otherwise.
  void Forget();

 private:
  struct Hash {
    std::size_t operator()(const protocol::Hash128& key) const noexcept {
      std::size_t hash = 0;
      std::memcpy(&hash, key.bytes.data(), sizeof(hash));
      return hash;
    }
  };
  struct File {
    std::int64_t file_id = 0;
    std::int64_t version = 0;
    std::int64_t size_bytes = 0;
    std::uint64_t path_hash = 0;
  };

  protocol::Hash128 KeyOf(std::string_view path_key, std::string_view dv_id);
  Result<void> Load(const TableId& table);
  Result<std::optional<EndedFile>> EndOne(Version version, const FileName& name);
  Result<std::string> LoadPath(std::int64_t file_id) const;

  Connection& connection_;
  std::optional<TableId> table_;  // whose files are here
  tsl::robin_map<protocol::Hash128, File, Hash> files_;
  std::vector<Value> ends_;  // file_id and version, to be written
  std::string scratch_;
};

}  // namespace deltalakedb::store
