// ExportTable: what is at the destination is looked at first, then what is missing is written in
// order, so that readers find an older version of the table at any moment.
#include "deltalakedb/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/try.h"
#include "deltalakedb/uri.h"
#include "importer/export_source.h"
#include "log/checkpoint_file.h"
#include "log/commit_times.h"
#include "log/log_files.h"
#include "protocol/absolute_paths.h"
#include "protocol/action_json.h"
#include "protocol/features.h"
#include "storage/table_folder.h"
#include "storage/temp_file.h"

namespace deltalakedb {

namespace {

using importer::ExportSource;
using log::LineChunk;
using log::LineChunkStream;
using storage::FileSystem;
using storage::OutputFile;
using storage::PutResult;

// Of two files that are compared. Unit: bytes.
constexpr std::size_t kPieceBytes = 4 * 1024 * 1024;

// A text with the files of its actions named absolutely.
class AbsoluteChunks final : public LineChunkStream {
 public:
  AbsoluteChunks(LineChunkStream& chunks, const std::string& table_uri, std::string name)
      : chunks_(chunks), table_uri_(table_uri), name_(std::move(name)) {}

  Result<std::optional<LineChunk>> Next() override {
    DELTALAKEDB_ASSIGN(const auto chunk, chunks_.Next());
    if (!chunk) return std::optional<LineChunk>();
    std::string text;
    std::optional<Error> error;
    std::size_t done = 0;  // bytes of the chunk
    chunk->ForEachRecord([&](std::int64_t number, std::string_view record) {
      if (log::IsBlank(record)) return true;
      auto edited = protocol::WithAbsolutePaths(record, table_uri_);
      if (!edited) {
        error = log::AtLine(std::move(edited).error(), name_, number);
        return false;
      }
      const auto at = static_cast<std::size_t>(record.begin() - chunk->text.begin());
      text += chunk->text.substr(done, at - done);  // what stands between two records
      text += *edited;
      done = at + record.size();
      return true;
    });
    if (error) return Fail(*std::move(error));
    text += chunk->text.substr(done);
    const auto memory =
        std::make_shared_for_overwrite<char[]>(text.size() + protocol::kLinePaddingBytes);
    std::memcpy(memory.get(), text.data(), text.size());
    std::memset(memory.get() + text.size(), 0, protocol::kLinePaddingBytes);
    return std::optional(LineChunk{memory, {memory.get(), text.size()}, chunk->first_line});
  }

 private:
  LineChunkStream& chunks_;
  const std::string& table_uri_;
  std::string name_;
};

// A file that is written to be compared with another, and never gets a name.
class Spool final : public OutputFile {
 public:
  static Result<std::unique_ptr<Spool>> Make() {
    DELTALAKEDB_ASSIGN(auto file, storage::TempFile::Make());
    return std::unique_ptr<Spool>(new Spool(std::move(file)));
  }

  std::int64_t size_bytes() const override { return file_.size_bytes(); }
  Result<void> Append(std::string_view bytes) override {
    DELTALAKEDB_TRY(file_.Append(bytes));
    return {};
  }
  Result<PutResult> Finish() override { return PutResult::kWritten; }

  // Whether a file holds the same bytes.
  Result<bool> Equals(const storage::InputFile& other) const {
    if (other.size_bytes() != size_bytes()) return false;
    std::string mine;
    std::string theirs;
    for (std::int64_t at = 0; at < size_bytes(); at += std::ssize(mine)) {
      mine.resize(std::min(kPieceBytes, static_cast<std::size_t>(size_bytes() - at)));
      theirs.resize(mine.size());
      DELTALAKEDB_TRY(file_.ReadAt(at, mine));
      DELTALAKEDB_TRY(other.ReadAt(at, theirs));
      if (mine != theirs) return false;
    }
    return true;
  }

 private:
  explicit Spool(storage::TempFile file) : file_(std::move(file)) {}
  storage::TempFile file_;
};

class Exporter {
 public:
  Exporter(ExportSource& source, const FileSystem& file_system, std::string log_path,
           const ExportOptions& options)
      : source_(source),
        file_system_(file_system),
        log_path_(std::move(log_path)),
        is_absolute_(options.absolute_paths),
        table_uri_(protocol::UriOfLocation(source.location())) {}

  // Errors: AlreadyExists (what is there is not a part of this log), those of reading both.
  Result<void> CheckDestination();
  // Writes what is missing, and tells the report what that was.
  Result<void> Write(ExportReport& report);

 private:
  std::string PathOf(std::string_view name) const { return fmt::format("{}/{}", log_path_, name); }
  Error Differs(std::string_view name, std::string_view reason) const {
    return Error(ErrorCode::kAlreadyExists,
                 fmt::format("{} is there already and {}; nothing is overwritten, so give the "
                             "export a place of its own",
                             PathOf(name), reason))
        .With("file", PathOf(name))
        .With("table", source_.table());
  }
  Result<void> CheckOther(Version version, std::string_view name) const;
  Result<bool> IsSame(const Spool& spool, const std::string& name) const;

  // `write` gets the text as it is exported. False where there is none.
  Result<bool> ReadCommit(Version version, const ExportSource::TakeText& write);
  // Errors: AlreadyExists where the commit at the destination is another.
  Result<void> CompareCommit(Version version);
  Result<bool> PutCommit(Version version);
  Result<storage::CheckpointSize> WriteBase(OutputFile& file);
  // Whether it was written now.
  Result<bool> PutBase();
  // Nullopt where it is another one, which its commit vouches for.
  Result<std::optional<storage::CheckpointSize>> CompareBase();

  ExportSource& source_;
  const FileSystem& file_system_;
  std::string log_path_;
  bool is_absolute_;
  std::string table_uri_;
  log::LogListing listing_;       // of the destination before anything was written
  bool has_base_commit_ = false;  // the destination, and the same as ours
  std::optional<Version> hint_;   // of the destination before
  std::optional<storage::CheckpointSize> base_size_;  // of the checkpoint that is there as ours
};

Result<bool> Exporter::IsSame(const Spool& spool, const std::string& name) const {
  DELTALAKEDB_ASSIGN(const auto file, file_system_.Open(PathOf(name)));
  return spool.Equals(*file);
}

Result<bool> Exporter::ReadCommit(Version version, const ExportSource::TakeText& write) {
  return source_.ReadCommit(version, [&](LineChunkStream& chunks) -> Result<void> {
    if (!is_absolute_) return write(chunks);
    AbsoluteChunks absolute(chunks, table_uri_, fmt::format("version {}", version.value()));
    return write(absolute);
  });
}

Result<void> AppendAll(LineChunkStream& chunks, OutputFile& file) {
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto chunk, chunks.Next());
    if (!chunk) return {};
    DELTALAKEDB_TRY(file.Append(chunk->text));
  }
}

Result<void> Exporter::CompareCommit(Version version) {
  const std::string name = log::CommitName(version);
  DELTALAKEDB_ASSIGN(const auto spool, Spool::Make());
  DELTALAKEDB_ASSIGN(const bool is_known, ReadCommit(version, [&](LineChunkStream& chunks) {
                       return AppendAll(chunks, *spool);
                     }));
  if (!is_known) return Fail(Differs(name, "of this version the table has no commit to compare"));
  DELTALAKEDB_ASSIGN(const bool is_same, IsSame(*spool, name));
  if (!is_same) return Fail(Differs(name, "is another commit than the table's"));
  return {};
}

// Files beside the commits are trusted where the commit of their version is there and the same.
Result<void> Exporter::CheckOther(Version version, std::string_view name) const {
  if (version > source_.versions().last) {
    return Fail(Differs(name, fmt::format("is later than the table's last version, {}",
                                          source_.versions().last.value())));
  }
  const bool is_vouched_for =
      version < source_.versions().first ? has_base_commit_ : listing_.commits.contains(version);
  if (is_vouched_for) return {};
  return Fail(Differs(name, "belongs to another log, or to one without its commits"));
}

Result<void> Exporter::CheckDestination() {
  auto files = file_system_.List(log_path_);
  if (!files) {
    const bool is_empty =
        files.error().code() == ErrorCode::kNotFound && files.error().FindFact("bucket") == nullptr;
    if (is_empty) return {};
    return Fail(std::move(files).error());
  }
  listing_ = log::ArrangeListing(*std::move(files));
  const VersionRange& ours = source_.versions();
  for (const auto& [version, file] : listing_.commits) {
    if (version > ours.last) DELTALAKEDB_TRY(CheckOther(version, file.name));
    if (version < ours.first || version > ours.last) continue;
    DELTALAKEDB_TRY(CompareCommit(version));
    has_base_commit_ |= version == ours.first;
  }
  for (const auto& [version, file] : listing_.commits) {
    if (version < ours.first) DELTALAKEDB_TRY(CheckOther(version, file.name));
  }
  const std::string base_name = log::ClassicCheckpointName(ours.first);
  for (const log::CheckpointFiles& checkpoint : listing_.checkpoints) {
    const std::string& name = checkpoint.files.front().name;
    if (!source_.has_base() || name != base_name) {
      DELTALAKEDB_TRY(CheckOther(checkpoint.version, name));
    }
  }
  for (const log::CompactionFile& compaction : listing_.compactions) {
    DELTALAKEDB_TRY(CheckOther(compaction.last, compaction.file.name));
  }
  for (const auto& [version, file] : listing_.checksums) {
    DELTALAKEDB_TRY(CheckOther(version, file.name));
  }
  DELTALAKEDB_ASSIGN(hint_, log::FindLastCheckpoint(file_system_, log_path_));
  if (hint_ && *hint_ > ours.last) DELTALAKEDB_TRY(CheckOther(*hint_, log::kLastCheckpointName));
  if (source_.has_base()) DELTALAKEDB_TRY(CompareBase());
  return {};
}

Result<storage::CheckpointSize> Exporter::WriteBase(OutputFile& file) {
  storage::CheckpointSize size;
  const std::string name = fmt::format("the base at version {}", source_.versions().first.value());
  DELTALAKEDB_TRY(source_.ReadBase([&](LineChunkStream& chunks) -> Result<void> {
    AbsoluteChunks absolute(chunks, table_uri_, name);
    DELTALAKEDB_ASSIGN(
        size, log::WriteCheckpointOfLines(
                  is_absolute_ ? static_cast<LineChunkStream&>(absolute) : chunks, name, file));
    return {};
  }));
  return size;
}

Result<std::optional<storage::CheckpointSize>> Exporter::CompareBase() {
  const std::string name = log::ClassicCheckpointName(source_.versions().first);
  const auto file = file_system_.Open(PathOf(name));
  if (!file && file.error().code() == ErrorCode::kNotFound) {
    return std::optional<storage::CheckpointSize>();
  }
  if (!file) return Fail(file.error());
  DELTALAKEDB_ASSIGN(const auto spool, Spool::Make());
  DELTALAKEDB_ASSIGN(const storage::CheckpointSize size, WriteBase(*spool));
  DELTALAKEDB_ASSIGN(const bool is_same, spool->Equals(**file));
  if (is_same) return std::optional(size);
  if (has_base_commit_) return std::optional<storage::CheckpointSize>();
  return Fail(Differs(name, "is another checkpoint than the table's"));
}

Result<bool> Exporter::PutBase() {
  const Version version = source_.versions().first;
  const std::string name = log::ClassicCheckpointName(version);
  const bool was_there =
      std::ranges::any_of(listing_.checkpoints, [&](const log::CheckpointFiles& checkpoint) {
        return checkpoint.files.front().name == name;
      });
  std::optional<storage::CheckpointSize> size;
  if (!was_there) {
    DELTALAKEDB_ASSIGN(const Timestamp time, source_.FindTime(version));
    DELTALAKEDB_ASSIGN(const auto file, file_system_.Create(PathOf(name), {.modified = time}));
    DELTALAKEDB_ASSIGN(size, WriteBase(*file));
    DELTALAKEDB_ASSIGN(const PutResult result, file->Finish());
    if (result == PutResult::kExists) size.reset();
  }
  const bool is_written = size.has_value();
  if (!is_written) {
    DELTALAKEDB_ASSIGN(size, CompareBase());
  }
  base_size_ = size;  // of another one the hint is left as it is
  return is_written;
}

Result<bool> Exporter::PutCommit(Version version) {
  if (listing_.commits.contains(version)) return false;
  const std::string path = PathOf(log::CommitName(version));
  DELTALAKEDB_ASSIGN(const Timestamp time, source_.FindTime(version));
  DELTALAKEDB_ASSIGN(const auto file, file_system_.Create(path, {.modified = time}));
  DELTALAKEDB_ASSIGN(const bool is_there, ReadCommit(version, [&](LineChunkStream& chunks) {
                       return AppendAll(chunks, *file);
                     }));
  if (!is_there) return false;
  DELTALAKEDB_ASSIGN(const PutResult result, file->Finish());
  if (result == PutResult::kWritten) return true;
  DELTALAKEDB_TRY(CompareCommit(version));
  return false;
}

Result<void> Exporter::Write(ExportReport& report) {
  const VersionRange& ours = source_.versions();
  if (source_.has_base()) {
    DELTALAKEDB_ASSIGN(report.checkpoint_written, PutBase());
  }
  for (Version version = ours.first; version <= ours.last; version = version.next()) {
    auto written = PutCommit(version);
    if (!written) {
      return Fail(std::move(written).error().In(
          fmt::format("exporting version {} of {}", version.value(), source_.table())));
    }
    report.commits += *written ? 1 : 0;
  }
  if (!base_size_) return {};
  report.last_checkpoint_written = !hint_ || *hint_ < ours.first;
  return log::PutLastCheckpoint(file_system_, log_path_, ours.first, *base_size_);
}

Result<storage::TableFolder> FindDestination(const Uri& uri) {
  if (uri.is_database()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the destination has to be a folder, a local path or s3://…",
                            uri.ToString()));
  }
  if (uri.kind() == UriKind::kGcs || uri.kind() == UriKind::kAbfss) {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("{}: of object stores only S3 is written to, as the clients of "
                                  "the others cannot be told not to replace an object",
                                  uri.ToString())));
  }
  return storage::FindTableFolder(uri);
}

// What readers of the exported log get else than those of the table.
Result<std::optional<std::string>> FindTimeWarning(const ExportSource& source,
                                                   const FileSystem& file_system) {
  if (file_system.keeps_times()) return std::optional<std::string>();
  DELTALAKEDB_ASSIGN(const auto in_commit, log::FindInCommitTimestamps(source.metadata()));
  if (in_commit && in_commit->since <= source.versions().first) return std::optional<std::string>();
  return std::optional(
      fmt::format("an object store gives files the time of their writing, so the versions of {} "
                  "without in-commit "
                  "timestamps seem as old as their export to whoever asks by time",
                  source.table()));
}

}  // namespace

Result<ExportReport> ExportTable(std::string_view uri, std::string_view destination,
                                 const ExportOptions& options) {
  LogSink& sink = options.log_sink == nullptr ? NullLogSink() : *options.log_sink;
  DELTALAKEDB_ASSIGN(const Uri source_uri, Uri::Parse(uri));
  DELTALAKEDB_ASSIGN(const Uri destination_uri, Uri::Parse(destination));
  DELTALAKEDB_ASSIGN(const storage::TableFolder folder, FindDestination(destination_uri));
  DELTALAKEDB_ASSIGN(const auto source, ExportSource::Open(source_uri, sink));
  if (source->base_protocol()) {
    // What the program does not know of a state would be lost in a checkpoint.
    auto readable = protocol::CheckReadable(*source->base_protocol());
    if (!readable) {
      return Fail(std::move(readable).error().In(
          fmt::format("{} begins with the state of version {}", source->table(),
                      source->versions().first.value())));
    }
  }
  ExportReport report;
  report.table = source->table();
  report.from_version = source->versions().first;
  report.to_version = source->versions().last;
  if (source->has_base()) report.checkpoint = report.from_version;
  report.destination = folder.location;
  DELTALAKEDB_ASSIGN(const auto warning, FindTimeWarning(*source, *folder.file_system));
  if (warning) {
    sink.Write(LogLevel::kWarning, *warning);
    report.warnings.push_back(*warning);
  }
  Exporter exporter(*source, *folder.file_system, folder.path + "/_delta_log", options);
  DELTALAKEDB_TRY(exporter.CheckDestination());
  DELTALAKEDB_TRY(exporter.Write(report));
  return report;
}

}  // namespace deltalakedb
