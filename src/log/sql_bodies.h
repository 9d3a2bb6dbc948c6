// The texts of a table as a catalog keeps them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "deltalakedb/result.h"
#include "log/body_index.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/rows.h"

namespace deltalakedb::log {

// One text, in whole records; nullopt where there is none, as the commit file was gone when its
// version came in as a base. To be read in the transaction that the store's connection is in.
// Errors, also of the stream: as SqlBodies.
struct StoredText {
  std::unique_ptr<LineChunkStream> chunks;
  std::optional<std::string> hash;  // 16 bytes: protocol/hash128.h; none of a base
};
Result<std::optional<StoredText>> OpenStoredText(store::MetadataStore& store, const TableId& table,
                                                 const BodyId& body);

class SqlBodies final : public BodySource {
 public:
  // Takes a connection of its own, as chunks are read on other threads than the caller's, and one
  // more for each text that is opened again. `options` outlive this.
  // Errors, also of its members: Corrupt (a text that is not there, or cannot be decompressed; fact
  // `version`), those of the database.
  static Result<std::unique_ptr<SqlBodies>> Open(const std::shared_ptr<store::Database>& database,
                                                 store::TableRow table,
                                                 const ChunkOptions& options);

  Result<std::optional<Task>> Next() override;
  Result<std::unique_ptr<LineChunkStream>> Reopen(const BodyId& body) override;

 private:
  SqlBodies(std::shared_ptr<store::Database> database, store::ConnectionLease connection,
            store::TableRow table, const ChunkOptions& options);

  // `count` where it is known: of a base it is not.
  Result<void> OpenParts(const BodyId& body, std::optional<std::int64_t> count);

  std::shared_ptr<store::Database> database_;
  store::ConnectionLease connection_;
  store::MetadataStore store_;
  store::TableRow table_;
  const ChunkOptions& options_;
  // The text whose parts are being read, when there is one, and the version whose commit comes
  // next.
  BodyId parts_of_;
  std::unique_ptr<LineChunkStream> parts_;
  bool has_base_left_;
  Version next_;
};

}  // namespace deltalakedb::log
