#include "importer/log_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>

#include "base/try.h"
#include "log/action_lines.h"
#include "log/checkpoint_file.h"
#include "log/line_chunks.h"
#include "protocol/absolute_paths.h"
#include "protocol/action_json.h"
#include "protocol/arena.h"
#include "storage/temp_file.h"

namespace deltalakedb::importer {

using log::LineChunk;
using log::LineChunkStream;
using storage::FileSystem;
using storage::OutputFile;
using storage::PutResult;

namespace {

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

Result<void> AppendAll(LineChunkStream& chunks, OutputFile& file) {
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto chunk, chunks.Next());
    if (!chunk) return {};
    DELTALAKEDB_TRY(file.Append(chunk->text));
  }
}

// What a commit says of itself, for people; an unreadable one says nothing.
std::string DescribeCommit(LineChunkStream& chunks) {
  protocol::ActionParser parser;
  protocol::Arena arena;
  std::optional<CommitInfo> info;
  for (;;) {
    const auto chunk = chunks.Next();
    if (!chunk || !*chunk || info) break;
    (*chunk)->ForEachRecord([&](std::int64_t, std::string_view line) {
      if (log::IsBlank(line)) return true;
      arena.Reset();
      auto action = parser.Parse(line, protocol::FileDetail::kAll, arena);
      if (!action) return false;
      if (auto* const found = std::get_if<CommitInfo>(&*action)) info = std::move(*found);
      return !info;
    });
  }
  if (!info) return "a commit without commitInfo";
  return fmt::format("{} by {}", info->operation.value_or("a commit"),
                     info->engine_info.value_or("an engine without a name"));
}

}  // namespace

// A file that is written to be compared with another, and never gets a name.
class SpooledText final : public OutputFile {
 public:
  static Result<std::unique_ptr<SpooledText>> Make() {
    DELTALAKEDB_ASSIGN(auto file, storage::TempFile::Make());
    return std::unique_ptr<SpooledText>(new SpooledText(std::move(file)));
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
  explicit SpooledText(storage::TempFile file) : file_(std::move(file)) {}
  storage::TempFile file_;
};

LogPublisher::LogPublisher(ExportSource& source, const FileSystem& file_system,
                           std::string log_path, const Options& options)
    : source_(source),
      file_system_(file_system),
      log_path_(std::move(log_path)),
      options_(options),
      table_uri_(protocol::UriOfLocation(source.location())) {}

std::string LogPublisher::PathOf(std::string_view name) const {
  return fmt::format("{}/{}", log_path_, name);
}

Error LogPublisher::Differs(std::string_view name, Version version, std::string_view reason) const {
  Error error =
      options_.is_mirror
          ? Error(ErrorCode::kConflict,
                  fmt::format("{} {}: the mirror has diverged; nothing is overwritten, and "
                              "`deltalakedb mirror repair` has the ways out",
                              PathOf(name), reason))
          : Error(ErrorCode::kAlreadyExists,
                  fmt::format("{} is there already and {}; nothing is overwritten, so give the "
                              "export a place of its own",
                              PathOf(name), reason));
  return std::move(error)
      .With("file", PathOf(name))
      .With("table", source_.table())
      .With("version", version.value());
}

Error LogPublisher::OtherCommit(std::string_view name, Version version) {
  if (!options_.is_mirror) return Differs(name, version, "is another commit than the table's");
  std::string ours = "nothing";
  const auto read = source_.ReadCommit(version, [&](LineChunkStream& chunks) -> Result<void> {
    ours = DescribeCommit(chunks);
    return {};
  });
  if (!read) ours = read.error().message();
  std::string theirs = "a file that cannot be read";
  if (auto file = file_system_.Open(PathOf(name))) {
    log::LineChunkReader chunks(*std::move(file));
    theirs = DescribeCommit(chunks);
  }
  Error error = Differs(
      name, version,
      fmt::format("is another commit than the table's (theirs: {}; ours: {})", theirs, ours));
  return std::move(error).With("ours", std::move(ours)).With("theirs", std::move(theirs));
}

Result<bool> LogPublisher::IsSame(const SpooledText& spool, const std::string& name) const {
  DELTALAKEDB_ASSIGN(const auto file, file_system_.Open(PathOf(name)));
  return spool.Equals(*file);
}

Result<bool> LogPublisher::ReadCommit(Version version, const ExportSource::TakeText& write) {
  return source_.ReadCommit(version, [&](LineChunkStream& chunks) -> Result<void> {
    if (!options_.absolute_paths) return write(chunks);
    AbsoluteChunks absolute(chunks, table_uri_, fmt::format("version {}", version.value()));
    return write(absolute);
  });
}

Result<void> LogPublisher::CompareCommit(Version version) {
  const std::string name = log::CommitName(version);
  DELTALAKEDB_ASSIGN(const auto spool, SpooledText::Make());
  DELTALAKEDB_ASSIGN(const bool is_known, ReadCommit(version, [&](LineChunkStream& chunks) {
                       return AppendAll(chunks, *spool);
                     }));
  if (!is_known) {
    if (options_.is_own_log) return {};  // the base's, which was not read when it came in
    return Fail(Differs(name, version, "of this version the table has no commit to compare"));
  }
  DELTALAKEDB_ASSIGN(const bool is_same, IsSame(*spool, name));
  if (is_same) return {};
  return Fail(OtherCommit(name, version));
}

// Files beside the commits are trusted where the commit of their version is there and the same.
Result<void> LogPublisher::CheckOther(Version version, std::string_view name) const {
  if (options_.is_own_log) return {};
  if (version > source_.versions().last) {
    return Fail(Differs(name, version,
                        fmt::format("is later than the table's last version, {}",
                                    source_.versions().last.value())));
  }
  const bool is_vouched_for =
      version < source_.versions().first ? has_base_commit_ : listing_.commits.contains(version);
  if (is_vouched_for) return {};
  return Fail(Differs(name, version, "belongs to another log, or to one without its commits"));
}

Result<void> LogPublisher::CheckDestination() {
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

Result<storage::CheckpointSize> LogPublisher::WriteBase(OutputFile& file) {
  storage::CheckpointSize size;
  const std::string name = fmt::format("the base at version {}", source_.versions().first.value());
  DELTALAKEDB_TRY(source_.ReadBase([&](LineChunkStream& chunks) -> Result<void> {
    AbsoluteChunks absolute(chunks, table_uri_, name);
    DELTALAKEDB_ASSIGN(
        size, log::WriteCheckpointOfLines(
                  options_.absolute_paths ? static_cast<LineChunkStream&>(absolute) : chunks, name,
                  file));
    return {};
  }));
  return size;
}

Result<std::optional<storage::CheckpointSize>> LogPublisher::CompareBase() {
  const std::string name = log::ClassicCheckpointName(source_.versions().first);
  const auto file = file_system_.Open(PathOf(name));
  if (!file && file.error().code() == ErrorCode::kNotFound) {
    return std::optional<storage::CheckpointSize>();
  }
  if (!file) return Fail(file.error());
  DELTALAKEDB_ASSIGN(const auto spool, SpooledText::Make());
  DELTALAKEDB_ASSIGN(const storage::CheckpointSize size, WriteBase(*spool));
  DELTALAKEDB_ASSIGN(const bool is_same, spool->Equals(**file));
  if (is_same) return std::optional(size);
  if (has_base_commit_ || options_.is_own_log) return std::optional<storage::CheckpointSize>();
  return Fail(Differs(name, source_.versions().first, "is another checkpoint than the table's"));
}

Result<bool> LogPublisher::PutBase() {
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

Result<bool> LogPublisher::PutCommit(Version version) {
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

Result<bool> LogPublisher::PutHint() {
  if (!base_size_) return false;
  const Version version = source_.versions().first;
  DELTALAKEDB_TRY(log::PutLastCheckpoint(file_system_, log_path_, version, *base_size_));
  return !hint_ || *hint_ < version;
}

Result<storage::TableFolder> FindLogDestination(const Uri& uri) {
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

}  // namespace deltalakedb::importer
