// A table's log as it is exported: the texts of its versions, from a catalog or a folder.
//
// Thread-safety: one thread. What is handed out holds no transaction open.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "log/line_chunks.h"
#include "store/database.h"

namespace deltalakedb::importer {

class ExportSource {
 public:
  // Gets a text from its first chunk to its last.
  using TakeText = std::function<Result<void>(log::LineChunkStream& chunks)>;

  virtual ~ExportSource() = default;

  // The table that `uri` names, as it is now. Errors: as DeltaTable::Open.
  static Result<std::unique_ptr<ExportSource>> Open(const Uri& uri, LogSink& sink);
  // A catalog's, as it is now. Errors: NotFound (it was dropped), those of the database.
  static Result<std::unique_ptr<ExportSource>> OpenStored(std::shared_ptr<store::Database> database,
                                                          const TableId& table);

  const std::string& table() const { return table_; }
  // As catalogs keep it.
  const std::string& location() const { return location_; }
  const VersionRange& versions() const { return versions_; }
  // Whether the log starts with a state, that of the first version.
  bool has_base() const { return has_base_; }
  // At the last version, and at the base where there is one.
  const Metadata& metadata() const { return metadata_; }
  const std::optional<Protocol>& base_protocol() const { return base_protocol_; }

  // The base's state as JSON lines. Only with a base. Errors: those of the source, and of `take`.
  virtual Result<void> ReadBase(const TakeText& take) = 0;
  // The text of a commit; false where it is not there, as that of the base version may be.
  virtual Result<bool> ReadCommit(Version version, const TakeText& take) = 0;
  // When a version was committed, by the rules of time travel.
  virtual Result<Timestamp> FindTime(Version version) = 0;

 protected:
  std::string table_;
  std::string location_;
  VersionRange versions_;
  bool has_base_ = false;
  Metadata metadata_;
  std::optional<Protocol> base_protocol_;
};

}  // namespace deltalakedb::importer
