// A table's log written as a plain Delta log into a folder, version by version: what export and
// mirrors share.
//
// Everything is put where it is absent, so that two may do it at once, and one that was killed
// starts again.
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/error.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "importer/export_source.h"
#include "log/log_files.h"
#include "storage/checkpoint_writer.h"
#include "storage/file_system.h"
#include "storage/table_folder.h"

namespace deltalakedb::importer {

class SpooledText;

// A folder that logs are written to. Errors: InvalidArgument (a catalog), Unsupported (an object
// store that has no put-if-absent for us), those of storage::FindTableFolder.
Result<storage::TableFolder> FindLogDestination(const Uri& uri);

class LogPublisher {
 public:
  struct Options {
    bool absolute_paths = false;
    // What a file that is there and is another one means: a destination that is taken
    // (AlreadyExists), or a mirror that has diverged (Conflict). Facts file and version, and of a
    // commit theirs and ours.
    bool is_mirror = false;
    // The folder is where the table's own log is: a checkpoint of its base that is there is what
    // the base was made from, and versions after the table's last are for `sync` to take in.
    bool is_own_log = false;
  };

  // `source` and `file_system` outlive this. `log_path` is that of the `_delta_log`.
  LogPublisher(ExportSource& source, const storage::FileSystem& file_system, std::string log_path,
               const Options& options);

  // Compares all that is there. Errors: that of another file, those of reading both.
  Result<void> CheckDestination();

  // The first version's state as a checkpoint; only with a base. Whether it was written now.
  Result<bool> PutBase();
  // Whether it was written now: not where it was there, or the table does not have its text.
  Result<bool> PutCommit(Version version);
  // Once the base was put: `_last_checkpoint` that names it. Whether there was an older one, or
  // none.
  Result<bool> PutHint();

  // Errors: that of another file.
  Result<void> CompareCommit(Version version);

  // Of CheckDestination: what was there.
  const log::LogListing& listing() const { return listing_; }

 private:
  std::string PathOf(std::string_view name) const;
  Error Differs(std::string_view name, Version version, std::string_view reason) const;
  Result<void> CheckOther(Version version, std::string_view name) const;
  Result<bool> IsSame(const SpooledText& spool, const std::string& name) const;
  // With what both sides say of themselves.
  Error OtherCommit(std::string_view name, Version version);

  // `write` gets the text as it is published. False where there is none.
  Result<bool> ReadCommit(Version version, const ExportSource::TakeText& write);
  Result<storage::CheckpointSize> WriteBase(storage::OutputFile& file);
  // Nullopt where it is another one, which its commit vouches for.
  Result<std::optional<storage::CheckpointSize>> CompareBase();

  ExportSource& source_;
  const storage::FileSystem& file_system_;
  std::string log_path_;
  Options options_;
  std::string table_uri_;
  log::LogListing listing_;       // of the destination before anything was written
  bool has_base_commit_ = false;  // the destination, and the same as ours
  std::optional<Version> hint_;   // of the destination before
  std::optional<storage::CheckpointSize> base_size_;  // of the checkpoint that is there as ours
};

}  // namespace deltalakedb::importer
