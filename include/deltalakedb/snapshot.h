// The state of a table at one version (PROTOCOL.md, Reconciliation). Immutable.
//
// Thread-safety: all of it may be used from several threads at once; every OpenFiles makes a stream
// of its own. Ownership: a snapshot stands on its own and outlives the table it came from.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/file_stream.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"

namespace deltalakedb {

// Everything of a snapshot but its files.
struct TableState {
  Version version;
  Timestamp timestamp;  // of the commit, by the rules of time travel
  Protocol protocol;
  Metadata metadata;
  std::map<std::string, AppTransaction> app_transactions;  // by application id
  std::map<std::string, std::string> domain_metadata;      // configuration by domain; none removed
};

class Snapshot {
 public:
  explicit Snapshot(TableState state) : state_(std::move(state)) {}
  virtual ~Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const TableState& state() const { return state_; }
  Version version() const { return state_.version; }
  Timestamp timestamp() const { return state_.timestamp; }
  const Protocol& protocol() const { return state_.protocol; }
  const Metadata& metadata() const { return state_.metadata; }
  const std::map<std::string, AppTransaction>& app_transactions() const {
    return state_.app_transactions;
  }
  const std::map<std::string, std::string>& domain_metadata() const {
    return state_.domain_metadata;
  }

  // Opens a stream over the live files. Memory stays bounded however many there are: batches are
  // small, and ordering sorts in runs that go to an unnamed temporary file when there are several.
  // Errors, here and from the stream: Corrupt (a checkpoint turned out damaged and nothing replaces
  // it), Io, Permission, NotFound (log files were cleaned up meanwhile).
  virtual Result<std::unique_ptr<FileStream>> OpenFiles(const FileOptions& options) const = 0;

  // The live file of that path: written as an add has it, percent-encoded and relative to the table
  // or a URI, in whichever of the ways that name one file. The batch has one file, or one for each
  // deletion vector where a log has several of them; nullopt when the file is not live at this
  // version. A catalog answers by one look-up, a folder by reading its log as OpenFiles does.
  // Errors: as OpenFiles.
  virtual Result<std::optional<FileBatch>> FindFile(std::string_view path) const = 0;

  // Counts the live files; reads no more than it has to. Errors as OpenFiles.
  virtual Result<FileTotals> LoadTotals() const = 0;

 private:
  TableState state_;
};

}  // namespace deltalakedb
