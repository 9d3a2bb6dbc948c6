// The texts of a table as a catalog keeps them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "deltalakedb/result.h"
#include "log/body_index.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/rows.h"

namespace deltalakedb::log {

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

  Result<std::optional<LineChunk>> NextPart();

  std::shared_ptr<store::Database> database_;
  store::ConnectionLease connection_;
  store::MetadataStore store_;
  store::TableRow table_;
  const ChunkOptions& options_;
  // The text whose parts are being read, and the version whose commit comes next.
  std::optional<BodyId> parts_of_;
  std::unique_ptr<store::Cursor> parts_;
  std::int64_t parts_expected_ = -1;  // of a base it is not known
  std::int64_t parts_read_ = 0;
  std::int64_t line_ = 0;
  bool has_base_left_;
  Version next_;
};

}  // namespace deltalakedb::log
