// Adding a kind of mirror: something beside the catalog that follows a table.
//
// `delta` and `duckdb` are built in. Another one is a class of the caller's, registered before
// mirrors of its name are used; docs/mirror.md has a complete example, which is tested.
// Thread-safety: an engine may be called from several threads at once, for different mirrors.
//
//   class CsvListing : public MirrorEngine { … };
//   DELTALAKEDB_TRY(RegisterMirrorEngine(std::make_unique<CsvListing>()));
//   DELTALAKEDB_TRY(AddMirror(uri, {.engine = "csv-listing", .to = "/data/listing"}));
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/history.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/import.h"
#include "deltalakedb/log_sink.h"
#include "deltalakedb/result.h"
#include "deltalakedb/snapshot.h"

namespace deltalakedb {

// A table in a catalog as its mirrors see it: the versions it had when publishing began. No
// transaction is open while an engine works.
class MirrorSource {
 public:
  class Impl;
  MirrorSource(Impl& impl, LogSink& log_sink) : impl_(impl), log_sink_(log_sink) {}
  MirrorSource(const MirrorSource&) = delete;
  MirrorSource& operator=(const MirrorSource&) = delete;

  const std::string& table() const;     // its name
  const std::string& table_id() const;  // a UUID
  // Where its files are: an absolute path, or the URI of an object store's folder.
  const std::string& location() const;
  const VersionRange& versions() const;

  // Errors of all three: those of DeltaTable.
  Result<std::shared_ptr<const Snapshot>> LoadSnapshot(Version version) const;
  Result<std::vector<HistoryEntry>> LoadHistory(const HistoryOptions& options) const;
  // The exact text of a commit; nullopt where the table was imported without it. Errors also:
  // LimitExceeded (one that is too large to be held).
  Result<std::optional<std::string>> LoadCommit(Version version) const;

  // For what whoever runs the mirror has to know although nothing failed.
  LogSink& log_sink() const { return log_sink_; }

  // For the engines of this library.
  Impl& impl() const { return impl_; }

 private:
  Impl& impl_;
  LogSink& log_sink_;
};

// Where a mirror is, as AddMirror was told.
struct MirrorPlace {
  std::string place;  // as MirrorEngine::FindPlace answered
  bool absolute_paths = false;
};

// How far a mirror is.
struct MirrorProgress {
  std::optional<Version> published;   // the newest version that it holds, with all before it
  std::optional<Version> checkpoint;  // the newest for which upkeep of its own was done
};

class MirrorEngine {
 public:
  virtual ~MirrorEngine() = default;

  // Lower case, as commands name it.
  virtual std::string_view name() const = 0;

  // The place of a mirror that is being added: `to` is what the caller named, nullopt for a default
  // by the table's location. Whether anything is there is not looked at.
  // Errors: InvalidArgument (a place of another kind, or none where there is no default).
  virtual Result<std::string> FindPlace(const std::string& location,
                                        const std::optional<std::string>& to) const = 0;

  // Brings the mirror to source.versions().last, from where it is. Calls `note` as soon as a
  // version is durable, at least every so often, and stops with its error: then another process has
  // taken over. May be killed anywhere, and be run by two processes at once; what is there already
  // and right is success, and nothing that is there is ever replaced by something else.
  // Errors: Conflict (the mirror has something that the catalog does not: facts file and version;
  // nothing is tried again until somebody repairs the mirror), and whatever else went wrong, which
  // is tried again later.
  using Note = std::function<Result<void>(const MirrorProgress&)>;
  virtual Result<void> Publish(const MirrorSource& source, const MirrorPlace& place,
                               const MirrorProgress& progress, const Note& note) const = 0;

  // What differs between the mirror and the catalog, up to the version that is published.
  virtual Result<std::vector<Difference>> Verify(const MirrorSource& source,
                                                 const MirrorPlace& place,
                                                 const MirrorProgress& progress) const = 0;
};

// Errors: AlreadyExists (an engine of that name), InvalidArgument (the name).
Result<void> RegisterMirrorEngine(std::unique_ptr<MirrorEngine> engine);
// The name of the engine that a name or an alias, such as `spark`, stands for.
// Errors: InvalidArgument (there is none; the message lists those there are).
Result<std::string> FindMirrorEngineName(std::string_view name);
// The names of all engines, without aliases, in alphabetical order.
std::vector<std::string> ListMirrorEngines();

}  // namespace deltalakedb
