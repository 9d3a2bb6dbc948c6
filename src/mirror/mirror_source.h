// What stands behind MirrorSource.
#pragma once

#include <memory>
#include <string>

#include "deltalakedb/mirror_engine.h"
#include "importer/export_source.h"
#include "log/sql_log.h"
#include "log/stored_tombstones.h"
#include "store/database.h"
#include "store/rows.h"

namespace deltalakedb {

class MirrorSource::Impl {
 public:
  // The table as it is now. Errors: NotFound (it was dropped), those of the database.
  static Result<std::unique_ptr<Impl>> Open(std::shared_ptr<store::Database> database,
                                            const TableId& table);

  importer::ExportSource& texts() { return *texts_; }
  const log::SqlLog& log() const { return *log_; }
  const std::string& table_id() const { return table_id_; }

  // Whether history began elsewhere. So it may be with a first version that has a time of its own
  // (in-commit), for which nothing tells who made it.
  Result<bool> MayBeImported() const;

  // Those that a checkpoint of `version` has, deleted after `expiry`.
  Result<std::unique_ptr<log::TombstoneStream>> StreamTombstones(Version version,
                                                                 Timestamp expiry) const;

 private:
  std::shared_ptr<store::Database> database_;
  TableId table_;
  std::string table_id_;
  std::unique_ptr<importer::ExportSource> texts_;
  std::unique_ptr<log::SqlLog> log_;
};

}  // namespace deltalakedb
