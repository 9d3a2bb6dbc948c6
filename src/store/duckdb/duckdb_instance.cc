#include "store/duckdb/duckdb_instance.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/try.h"
#include "store/database_file.h"
#include "store/sql_text.h"

namespace deltalakedb::store {

namespace {

// DuckDB, storage_info.hpp: a file begins with three headers of this size; the first has a
// checksum, these letters, the version of the format as 64 bits, and flags, of which the lowest bit
// says that the rest is encrypted.
constexpr ::off_t kHeaderBytes = 4096;
constexpr ::off_t kHeadersBytes = 3 * kHeaderBytes;
constexpr std::size_t kMagicOffset = 8;
constexpr std::string_view kMagic = "DUCK";
constexpr std::size_t kVersionOffset = 12;
constexpr std::size_t kFlagsOffset = 20;
constexpr std::size_t kHeaderFieldsEnd = 28;
// DuckDB 1.5, storage_info.cpp.
constexpr std::uint64_t kStorageVersionMax = 68;

// Between two looks at whether another process has let go of a file.
constexpr std::chrono::milliseconds kPollInterval{20};
// How often a file that another process seems to be making is looked at again.
constexpr int kShortFileLooksMax = 10;
// A file that nobody holds and that cannot be opened so often is damaged.
constexpr int kUnexplainedFailuresMax = 10;

class FileDescriptor {
 public:
  explicit FileDescriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Error DatabaseError(ErrorCode code, const std::string& path, std::string_view problem) {
  return Error(code, fmt::format("DuckDB database {}: {}", path, problem)).With("database", path);
}

// The process that keeps others out of the file, if one does. Only where this process does not have
// it open: closing any descriptor of a file lets go of all locks that the process has on it.
std::optional<::pid_t> FindHolder(const FileDescriptor& file, bool for_writing) {
  struct flock lock = {};
  lock.l_type = for_writing ? F_WRLCK : F_RDLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return lock.l_pid;
}

enum class FileState { kNone, kUnfinished, kDatabase };

// What the file's own headers say. Errors: Corrupt (another kind of file), Unsupported.
Result<FileState> CheckHeaders(const FileDescriptor& file, const std::string& path) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return Fail(CannotOpenDatabase(path));
  if (status.st_size == 0) return FileState::kUnfinished;
  std::array<char, kHeaderFieldsEnd> header = {};
  const ::ssize_t got = ::pread(file.get(), header.data(), header.size(), 0);
  if (got < 0) return Fail(CannotOpenDatabase(path));
  const bool is_duckdb = static_cast<std::size_t>(got) == header.size() &&
                         std::string_view(header.data() + kMagicOffset, kMagic.size()) == kMagic;
  if (!is_duckdb) {
    return Fail(DatabaseError(ErrorCode::kCorrupt, path,
                              "it is no DuckDB file: it is something else or is damaged"));
  }
  // DuckDB makes a file header by header; what ends within one was cut.
  if (status.st_size < kHeadersBytes && status.st_size % kHeaderBytes == 0) {
    return FileState::kUnfinished;
  }
  if (status.st_size < kHeadersBytes) {
    return Fail(DatabaseError(ErrorCode::kCorrupt, path, "it is damaged: it ends in its header"));
  }
  std::uint64_t version = 0;
  std::uint64_t flags = 0;
  std::memcpy(&version, header.data() + kVersionOffset, sizeof(version));
  std::memcpy(&flags, header.data() + kFlagsOffset, sizeof(flags));
  if (version > kStorageVersionMax) {
    return Fail(DatabaseError(ErrorCode::kUnsupported, path,
                              fmt::format("a newer DuckDB wrote it (storage version {}, this "
                                          "program knows up to {})",
                                          version, kStorageVersionMax))
                    .With("storageVersion", static_cast<std::int64_t>(version)));
  }
  if ((flags & 1) != 0) {
    return Fail(DatabaseError(ErrorCode::kUnsupported, path,
                              "it is encrypted, which this program cannot read"));
  }
  return FileState::kDatabase;
}

Result<DuckDbConfigHandle> MakeConfig(bool is_read_only) {
  duckdb_config made = nullptr;
  const bool is_made = DuckDb().create_config(&made) == DuckDBSuccess;
  DuckDbConfigHandle config(made);
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kDuckDbThreadsMax);
  const std::array<std::pair<const char*, std::string>, 5> settings = {{
      {"threads", std::to_string(threads)},
      {"access_mode", is_read_only ? "read_only" : "read_write"},
      // A catalog is one file and needs nothing else.
      {"autoload_known_extensions", "false"},
      {"autoinstall_known_extensions", "false"},
      {"enable_external_access", "false"},
  }};
  for (const auto& [name, value] : settings) {
    if (is_made && DuckDb().set_config(made, name, value.c_str()) == DuckDBSuccess) continue;
    return Fail(ErrorCode::kInternal, fmt::format("DuckDB does not take the setting {}", name));
  }
  return config;
}

// What DuckDB says when it fails is in `words`.
Result<duckdb_database> OpenAs(const std::string& name, bool is_read_only, std::string& words) {
  DELTALAKEDB_ASSIGN(const DuckDbConfigHandle config, MakeConfig(is_read_only));
  duckdb_database opened = nullptr;
  char* problem = nullptr;
  if (DuckDb().open_ext(name.c_str(), &opened, config.get(), &problem) == DuckDBSuccess) {
    return opened;
  }
  words = problem == nullptr ? "" : problem;
  DuckDb().free(problem);
  return nullptr;
}

}  // namespace

struct DuckDbInstance::Slot {
  std::mutex mutex;
  // Guarded by mutex.
  duckdb_database database = nullptr;
  int users = 0;
  bool is_read_only = false;
  bool has_writer = false;
  std::condition_variable writer_left;
};

namespace {

using Slot = DuckDbInstance::Slot;

class Registry {
 public:
  static Registry& Get() {
    static Registry registry;
    return registry;
  }
  std::shared_ptr<Slot> Find(const std::string& path) {
    const std::lock_guard lock(mutex_);
    auto& slot = slots_[path];
    if (slot == nullptr) slot = std::make_shared<Slot>();
    return slot;
  }
  // Forgets slots that nobody holds.
  void Tidy() {
    const std::lock_guard lock(mutex_);
    std::erase_if(slots_, [](const auto& each) { return each.second.use_count() == 1; });
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

// One name for a file, whichever way leads to it.
std::string CanonicalName(const std::string& path) {
  std::error_code error;
  auto canonical = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  return error ? path : canonical.native();
}

// Opening a file that this process does not have open.
class Opening {
 public:
  Opening(const DuckDbOptions& options, std::string name)
      : options_(options),
        name_(std::move(name)),
        deadline_(std::chrono::steady_clock::now() + options.busy_wait_max) {}

  Result<void> Run(Slot& slot);

 private:
  // Whether to try once more.
  Result<bool> LookAtFile(Slot& slot);
  Result<void> RemoveUnfinished();
  Result<void> Wait(std::optional<::pid_t> holder);

  const DuckDbOptions& options_;
  std::string name_;
  std::chrono::steady_clock::time_point deadline_;
  int short_file_looks_ = 0;
  int unexplained_failures_ = 0;
};

Result<void> Opening::Wait(std::optional<::pid_t> holder) {
  if (std::chrono::steady_clock::now() >= deadline_) {
    Error error = DatabaseError(
        ErrorCode::kBusy, options_.path,
        fmt::format("another process{} has it open, and DuckDB lets one process at a time have a "
                    "file: try again when it is done",
                    holder ? fmt::format(" ({})", *holder) : ""));
    if (holder) error.AddFact("processId", std::int64_t{*holder});
    return Fail(std::move(error));
  }
  std::this_thread::sleep_for(kPollInterval);
  return {};
}

// A file that was begun by somebody who was killed, and that holds nothing yet.
Result<void> Opening::RemoveUnfinished() {
  if (++short_file_looks_ < kShortFileLooksMax) return Wait(std::nullopt);
  if (!options_.may_create) {
    return Fail(DatabaseError(ErrorCode::kNotFound, options_.path,
                              "it is empty: `deltalakedb init` makes a catalog in it"));
  }
  ::unlink(name_.c_str());
  return {};
}

Result<bool> Opening::LookAtFile(Slot& slot) {
  DELTALAKEDB_ASSIGN(const bool is_there, CheckDatabaseFile(options_.path, options_.may_create));
  // Its write-ahead log lies beside it.
  slot.is_read_only = is_there && !(IsWritable(name_) && IsWritable(FolderOf(name_)));
  if (!is_there) return false;
  const FileDescriptor file(name_);
  if (file.get() < 0) return Fail(CannotOpenDatabase(options_.path));
  if (const auto holder = FindHolder(file, !slot.is_read_only)) {
    DELTALAKEDB_TRY(Wait(holder));
    return true;
  }
  DELTALAKEDB_ASSIGN(const FileState state, CheckHeaders(file, options_.path));
  if (state == FileState::kUnfinished) {
    DELTALAKEDB_TRY(RemoveUnfinished());
    return true;
  }
  return false;
}

Result<void> Opening::Run(Slot& slot) {
  for (;;) {
    DELTALAKEDB_ASSIGN(const bool must_look_again, LookAtFile(slot));
    if (must_look_again) continue;
    std::string words;
    DELTALAKEDB_ASSIGN(slot.database, OpenAs(name_, slot.is_read_only, words));
    if (slot.database != nullptr) return {};
    // Why is not told but in words. Another process may have come between.
    struct stat status = {};
    if (::stat(name_.c_str(), &status) != 0) {
      return Fail(DatabaseError(ErrorCode::kIo, options_.path, words));
    }
    DELTALAKEDB_ASSIGN(const bool is_held, LookAtFile(slot));
    if (is_held) continue;
    // It may have left again before that look.
    if (++unexplained_failures_ < kUnexplainedFailuresMax) {
      std::this_thread::sleep_for(kPollInterval);
      continue;
    }
    return Fail(DatabaseError(
        ErrorCode::kCorrupt, options_.path,
        words + "; restore it from a backup, or import the tables again, unless the disk is full"));
  }
}

Error NotWritable(const std::string& path) {
  return DatabaseError(ErrorCode::kPermission, path,
                       "it was opened for reading only: the file and its folder must be writable "
                       "for this");
}

}  // namespace

DuckDbInstance::DuckDbInstance(std::shared_ptr<Slot> slot, const DuckDbOptions& options)
    : slot_(std::move(slot)), path_(options.path) {}

DuckDbInstance::~DuckDbInstance() {
  {
    const std::lock_guard lock(slot_->mutex);
    if (--slot_->users == 0) DuckDb().close(&slot_->database);
  }
  slot_.reset();
  Registry::Get().Tidy();
}

Result<std::shared_ptr<DuckDbInstance>> DuckDbInstance::Open(const DuckDbOptions& options) {
  DELTALAKEDB_TRY(LoadDuckDb());
  const bool is_in_memory = options.path == ":memory:";
  const std::string name = is_in_memory ? options.path : CanonicalName(options.path);
  if (name.contains('?')) {
    return Fail(DatabaseError(ErrorCode::kInvalidArgument, options.path,
                              "DuckDB takes a question mark for the end of a file's name: give the "
                              "file and its folders names without one"));
  }
  const auto slot = is_in_memory ? std::make_shared<Slot>() : Registry::Get().Find(name);
  const std::lock_guard lock(slot->mutex);
  if (slot->users == 0) {
    std::string words;
    if (is_in_memory) {
      DELTALAKEDB_ASSIGN(slot->database, OpenAs(name, /*is_read_only=*/false, words));
      if (slot->database == nullptr) return Fail(ErrorCode::kUnavailable, words);
    } else {
      DELTALAKEDB_TRY(Opening(options, name).Run(*slot));
    }
  } else {
    // A file that is gone or replaced is open all the same; who opens it by name means another.
    struct stat status = {};
    if (::stat(name.c_str(), &status) != 0) return Fail(CannotOpenDatabase(options.path));
  }
  ++slot->users;
  return std::make_shared<DuckDbInstance>(slot, options);
}

Result<DuckDbConnectionHandle> DuckDbInstance::Connect() const {
  const std::lock_guard lock(slot_->mutex);
  duckdb_connection connection = nullptr;
  if (DuckDb().connect(slot_->database, &connection) == DuckDBSuccess) {
    return DuckDbConnectionHandle(connection);
  }
  return Fail(DatabaseError(ErrorCode::kUnavailable, path_, "no connection can be made"));
}

bool DuckDbInstance::is_read_only() const {
  const std::lock_guard lock(slot_->mutex);
  return slot_->is_read_only;
}

Result<void> DuckDbInstance::LockForWriting(std::chrono::milliseconds wait_max) {
  std::unique_lock lock(slot_->mutex);
  if (slot_->is_read_only) return Fail(NotWritable(path_));
  if (!slot_->writer_left.wait_for(lock, wait_max, [&] { return !slot_->has_writer; })) {
    return Fail(DatabaseError(ErrorCode::kBusy, path_,
                              "another thread of this process is writing to it: try again when it "
                              "is done"));
  }
  slot_->has_writer = true;
  return {};
}

void DuckDbInstance::UnlockForWriting() noexcept {
  {
    const std::lock_guard lock(slot_->mutex);
    slot_->has_writer = false;
  }
  slot_->writer_left.notify_one();
}

namespace {

bool HasNoTables(duckdb_database database) {
  duckdb_connection connected = nullptr;
  if (DuckDb().connect(database, &connected) != DuckDBSuccess) return false;
  const DuckDbConnectionHandle connection(connected);
  const std::string sql(StatementText(Dialect::kDuckdb, StatementId::kFindAnyRelation));
  DuckDbResult tables;
  return DuckDb().query(connected, sql.c_str(), tables.get()) == DuckDBSuccess &&
         DuckDbChunk(DuckDb().fetch_chunk(*tables.get())) == nullptr;
}

}  // namespace

void RemoveEmptyDuckDb(const std::string& path, std::uint64_t inode) noexcept {
  const auto is_same = [&] {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 && status.st_ino == inode;
  };
  if (!is_same() || !LoadDuckDb()) return;
  const std::string name = CanonicalName(path);
  const auto slot = Registry::Get().Find(name);
  const std::lock_guard lock(slot->mutex);
  if (slot->users > 0) return;
  std::string words;
  const auto database = OpenAs(name, /*is_read_only=*/false, words);
  if (!database || *database == nullptr) return;  // another process has it
  duckdb_database opened = *database;
  // While it is open nobody else can put anything into it.
  if (HasNoTables(opened) && is_same()) ::unlink(name.c_str());
  DuckDb().close(&opened);
}

}  // namespace deltalakedb::store
