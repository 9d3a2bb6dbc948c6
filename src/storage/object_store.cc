#include "storage/object_store.h"

#include <arrow/filesystem/s3fs.h>
#include <arrow/util/future.h>
#include <arrow/util/io_util.h>
#include <arrow/util/thread_pool.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "storage/object_store_internal.h"
#include "storage/s3_put_internal.h"
#include "storage/temp_file.h"

namespace deltalakedb::storage {

namespace {

// Calls whose time was over and whose requests still run.
std::atomic<int>& AbandonedCalls() {
  static std::atomic<int> count = 0;
  return count;
}

// Arrow asks for the S3 library to be shut down before the program ends, which waits for requests.
void EndStores(int status, void* /*unused*/) {
  if (AbandonedCalls() > 0) {
    std::fflush(nullptr);
    ::_exit(status);
  }
  static_cast<void>(arrow::fs::EnsureS3Finalized());
}

// What the library makes later is destroyed before a handler runs that was registered earlier; so
// this is called whenever it may have made something that shutting down needs.
void EndStoresAtExit() { ::on_exit(EndStores, nullptr); }

// Everything that all object stores share. Made once and never destroyed, since threads use it.
struct Stores {
  std::shared_ptr<arrow::internal::ThreadPool> threads;
  arrow::io::IOContext context;
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<const FileSystem>> opened;  // guarded by mutex
};

// A connection that the other side closed raises SIGPIPE in the thread that writes to it. Threads
// have the signals blocked of the one that starts them.
class BlockedPipeSignal {
 public:
  BlockedPipeSignal() {
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before_);
  }
  BlockedPipeSignal(const BlockedPipeSignal&) = delete;
  BlockedPipeSignal& operator=(const BlockedPipeSignal&) = delete;
  ~BlockedPipeSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

arrow::Result<Stores*> MakeStores() {
  const BlockedPipeSignal blocked;
  auto stores = std::make_unique<Stores>();
  ARROW_ASSIGN_OR_RAISE(stores->threads,
                        arrow::internal::ThreadPool::MakeEternal(kStoreRequestsMax));
  // The pool starts a thread only where all others are busy.
  auto all_started = std::make_shared<std::latch>(kStoreRequestsMax);
  for (int i = 0; i < kStoreRequestsMax; ++i) {
    ARROW_RETURN_NOT_OK(stores->threads->Spawn([all_started] { all_started->arrive_and_wait(); }));
  }
  stores->context = arrow::io::IOContext(stores->threads.get());
  ARROW_RETURN_NOT_OK(
      arrow::fs::Initialize({.tls_ca_file_path = FindCertificates(), .tls_ca_dir_path = {}}));
  arrow::fs::S3GlobalOptions options;
  options.log_level = arrow::fs::S3LogLevel::Off;
  ARROW_RETURN_NOT_OK(arrow::fs::InitializeS3(options));
  EndStoresAtExit();
  return stores.release();
}

Result<Stores*> FindStores() {
  static const arrow::Result<Stores*> stores = MakeStores();
  if (stores.ok()) return *stores;
  return Fail(ErrorCode::kUnavailable,
              "the object store client cannot be started: " + stores.status().message());
}

// Waits for a call to a store, but not for ever.
template <typename T>
arrow::Result<T> Await(arrow::Future<T> call, bool& is_timeout) {
  is_timeout = !call.Wait(kStoreCallSecondsMax);
  if (!is_timeout) return call.MoveResult();
  ++AbandonedCalls();
  call.AddCallback([](const arrow::Result<T>&) { --AbandonedCalls(); });
  return arrow::Status::IOError("timeout");
}

class ObjectStore;

// S3's client puts an error's text where the bytes are to come; where that is too small, the error
// is lost. Unit: bytes.
constexpr std::int64_t kS3AnswerBytesMin = 16 * 1024;

// No text in UTF-8 has this byte (RFC 3629, 3), so that commits are asked for once.
constexpr char kNoByteOfText = '\xFF';
constexpr char kOtherByte = '\0';

class Object final : public InputFile {
 public:
  Object(const ObjectStore& store, std::shared_ptr<arrow::io::RandomAccessFile> file,
         std::string path, std::int64_t size_bytes, bool is_listed)
      : store_(store),
        file_(std::move(file)),
        path_(std::move(path)),
        size_bytes_(size_bytes),
        is_listed_(is_listed) {}

  const std::string& path() const override { return path_; }
  std::int64_t size_bytes() const override { return size_bytes_; }
  bool is_remote() const override { return true; }
  Result<std::size_t> ReadAt(std::int64_t offset, std::span<char> out) const override;

 private:
  // Some bytes, in memory whose last byte was `last_before`.
  Result<std::shared_ptr<const char[]>> Read(std::int64_t offset, std::int64_t count,
                                             char last_before) const;
  // Whoever listed the log knows what to do when it is another one by now.
  std::unexpected<Error> HasChanged() const {
    return Fail(
        Error(is_listed_ ? ErrorCode::kUnavailable : ErrorCode::kIo,
              fmt::format("{} was removed or became shorter while it was read; try again", path_))
            .With("file", path_));
  }

  const ObjectStore& store_;
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::string path_;
  std::int64_t size_bytes_;
  bool is_listed_;
};

class ObjectStore final : public FileSystem {
 public:
  ObjectStore(std::shared_ptr<arrow::fs::FileSystem> client, StorePlace place,
              Environment environment, Stores& stores)
      : client_(std::move(client)),
        place_(std::move(place)),
        environment_(std::move(environment)),
        stores_(stores),
        is_s3_(client_->type_name() == "s3") {}

  Result<std::vector<FileInfo>> List(const std::string& folder) const override;
  Result<void> ListTree(const std::string& folder, const TreeVisitor& visitor) const override;
  Result<std::shared_ptr<const InputFile>> Open(const std::string& path) const override;
  Result<std::shared_ptr<const InputFile>> OpenListed(const std::string& path,
                                                      std::int64_t size_bytes) const override {
    return MakeObject(path, size_bytes, /*is_listed=*/true);
  }
  std::size_t reads_ahead() const override { return kStoreRequestsMax; }

  Result<PutResult> PutIfAbsent(const std::string& path, std::string_view bytes,
                                const PutOptions& options) const override;
  Result<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                             const PutOptions& options) const override;
  Result<void> Put(const std::string& path, std::string_view bytes) const override;
  Result<void> Remove(const std::string& path) const override;

  // From then on objects can be put.
  void SetTarget(S3Target target);

  // Makes a call on a thread of the pool and waits for its answer. Some clients throw.
  template <typename T, typename Call>
  Result<T> Do(const StoreCall& what, Call call) const {
    auto submitted = stores_.threads->Submit([call = std::move(call)] -> arrow::Result<T> {
      try {
        return call();
      } catch (const std::exception& exception) {
        return arrow::Status::IOError("the object store's client failed: ", exception.what());
      }
    });
    if (!submitted.ok()) return Fail(ErrorOf(submitted.status(), what));
    return Wait<T>(*std::move(submitted), what);
  }

  // What is asked for at least, even beyond the end of an object.
  std::int64_t answer_bytes_min() const { return is_s3_ ? kS3AnswerBytesMin : 0; }

 private:
  Result<std::shared_ptr<const InputFile>> MakeObject(const std::string& path,
                                                      std::int64_t size_bytes,
                                                      bool is_listed) const;
  std::string ArrowPath(const std::string& path) const {
    return place_.bucket + path.substr(place_.root.size());
  }
  // Gives what is in a folder, or in all folders below it too, page by page where the client can.
  using Page = std::vector<arrow::fs::FileInfo>;
  Result<void> ListPages(const std::string& folder, bool is_recursive,
                         const std::function<Result<void>(const Page&)>& take) const;
  std::unexpected<Error> NoConditions(const std::string& path) const;
  // S3Putter::Compare.
  Result<std::optional<bool>> HasBytes(const std::string& path, std::string_view bytes) const;
  Error ErrorOf(const arrow::Status& status, const StoreCall& what) const {
    return StoreError(status, what, place_, environment_);
  }
  std::unexpected<Error> NotThere(const StoreCall& what) const {
    return Fail(
        ErrorOf(arrow::internal::StatusFromErrno(ENOENT, arrow::StatusCode::IOError), what));
  }
  template <typename T>
  Result<T> Wait(arrow::Future<T> call, const StoreCall& what) const {
    bool is_timeout = false;
    arrow::Result<T> answer = Await(std::move(call), is_timeout);
    if (is_timeout) return Fail(StoreTimeout(what, place_));
    if (!answer.ok()) return Fail(ErrorOf(answer.status(), what));
    return *std::move(answer);
  }

  std::shared_ptr<arrow::fs::FileSystem> client_;
  StorePlace place_;
  Environment environment_;
  Stores& stores_;
  bool is_s3_;
  std::optional<S3Putter> putter_;  // of S3
};

Timestamp ModifiedAt(const arrow::fs::FileInfo& info) {
  const auto since_1970 = info.mtime().time_since_epoch();
  return Timestamp(std::chrono::floor<std::chrono::milliseconds>(since_1970).count());
}

// A NotFound that is not about the bucket.
bool IsMissingObject(const Error& error) {
  return error.code() == ErrorCode::kNotFound && error.FindFact("bucket") == nullptr;
}

// Listings of single folders of a tree, so that one that is not entered is not listed either.
// Unit: requests.
constexpr std::size_t kTreeListingsMax = 64;

// Of the objects below a folder, those in folders that the visitor enters.
class TreeFilter {
 public:
  explicit TreeFilter(const TreeVisitor& visitor) : visitor_(visitor) {}

  // `below` is the object's path below the folder.
  Result<void> Take(const arrow::fs::FileInfo& info, std::string below) {
    const std::size_t slash = below.rfind('/');
    if (slash != std::string::npos && !Enters(std::string_view(below).substr(0, slash))) return {};
    return visitor_.visit({.path = std::move(below),
                           .size_bytes = info.size(),
                           .modified = ModifiedAt(info),
                           .is_link = false});
  }

 private:
  // Objects come in order, so that most are in the folder of the one before.
  bool Enters(std::string_view folder) {
    if (folder == last_folder_) return is_entered_;
    last_folder_ = folder;
    is_entered_ = true;
    for (std::size_t at = folder.find('/'); is_entered_; at = folder.find('/', at + 1)) {
      is_entered_ = visitor_.enters(folder.substr(0, at));
      if (at == std::string_view::npos) break;
    }
    return is_entered_;
  }

  const TreeVisitor& visitor_;
  std::string last_folder_;
  bool is_entered_ = true;
};

// Gathers an object on the disk, as a request has to say how long it is and to be made again.
class ObjectInTheMaking final : public OutputFile {
 public:
  ObjectInTheMaking(const FileSystem& store, std::string path, TempFile file)
      : store_(store), path_(std::move(path)), file_(std::move(file)) {}

  std::int64_t size_bytes() const override { return file_.size_bytes(); }
  Result<void> Append(std::string_view bytes) override {
    DELTALAKEDB_TRY(file_.Append(bytes));
    return {};
  }
  Result<PutResult> Finish() override {
    DELTALAKEDB_ASSIGN(const MappedBytes bytes, file_.Map());
    return store_.PutIfAbsent(path_, bytes.view(), {});
  }

 private:
  const FileSystem& store_;
  std::string path_;
  TempFile file_;
};

Result<std::size_t> Object::ReadAt(std::int64_t offset, std::span<char> out) const {
  const std::int64_t count = std::min(static_cast<std::int64_t>(out.size()), size_bytes_ - offset);
  if (offset < 0 || count <= 0) return std::size_t{0};
  DELTALAKEDB_ASSIGN(const auto bytes, Read(offset, count, kNoByteOfText));
  // Arrow does not tell an answer that is shorter than what was asked for, as when the object was
  // written anew: then the last byte is still what it was before.
  bool is_whole = bytes[count - 1] != kNoByteOfText;
  if (!is_whole) {
    DELTALAKEDB_ASSIGN(const auto last, Read(offset + count - 1, 1, kOtherByte));
    is_whole = last[0] == kNoByteOfText;
  }
  if (!is_whole) return HasChanged();
  std::memcpy(out.data(), bytes.get(), static_cast<std::size_t>(count));
  return static_cast<std::size_t>(count);
}

Result<std::shared_ptr<const char[]>> Object::Read(std::int64_t offset, std::int64_t count,
                                                   char last_before) const {
  // The memory is the request's as well, which may outlive this call.
  const std::int64_t asked = std::max(count, store_.answer_bytes_min());
  auto memory = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(asked));
  memory[count - 1] = last_before;
  const auto got = store_.Do<std::int64_t>({"read", path_}, [file = file_, offset, asked, memory] {
    return file->ReadAt(offset, asked, memory.get());
  });
  if (got && *got >= count) return memory;
  const bool is_gone = !got && got.error().code() == ErrorCode::kNotFound;
  if (got || (is_gone && is_listed_)) return HasChanged();
  return Fail(got.error());
}

Result<void> ObjectStore::ListPages(const std::string& folder, bool is_recursive,
                                    const std::function<Result<void>(const Page&)>& take) const {
  const StoreCall what{"list folder", folder};
  arrow::fs::FileSelector selector;
  selector.base_dir = ArrowPath(folder);
  selector.recursive = is_recursive;
  if (is_s3_) {  // the only client that gives what it has page by page
    const auto next_page = client_->GetFileInfoGenerator(selector);
    for (;;) {
      DELTALAKEDB_ASSIGN(const Page page, Wait(next_page(), what));
      if (arrow::IsIterationEnd(page)) return {};
      DELTALAKEDB_TRY(take(page));
    }
  }
  selector.allow_not_found = true;
  DELTALAKEDB_ASSIGN(const Page all, Do<Page>(what, [client = client_, selector] {
                       return client->GetFileInfo(selector);
                     }));
  if (all.empty()) return NotThere(what);
  return take(all);
}

Result<std::vector<FileInfo>> ObjectStore::List(const std::string& folder) const {
  std::vector<FileInfo> files;
  DELTALAKEDB_TRY(ListPages(folder, /*is_recursive=*/false, [&](const Page& page) -> Result<void> {
    for (const arrow::fs::FileInfo& info : page) {
      if (info.IsFile()) files.emplace_back(info.base_name(), info.size(), ModifiedAt(info));
    }
    return {};
  }));
  return files;
}

Result<void> ObjectStore::ListTree(const std::string& folder, const TreeVisitor& visitor) const {
  const std::string start = ArrowPath(folder) + "/";
  TreeFilter filter(visitor);
  std::vector<std::string> entered;  // of the first level
  const auto take_top = [&](const Page& page) -> Result<void> {
    for (const arrow::fs::FileInfo& info : page) {
      if (!info.path().starts_with(start)) continue;
      std::string below = info.path().substr(start.size());
      if (info.IsFile()) {
        DELTALAKEDB_TRY(filter.Take(info, std::move(below)));
      } else if (info.IsDirectory() && visitor.enters(below)) {
        entered.push_back(std::move(below));
      }
    }
    return {};
  };
  DELTALAKEDB_TRY(ListPages(folder, /*is_recursive=*/false, take_top));
  const auto take = [&](const Page& page) -> Result<void> {
    for (const arrow::fs::FileInfo& info : page) {
      if (!info.IsFile() || !info.path().starts_with(start)) continue;
      std::string below = info.path().substr(start.size());
      if (below.contains('/')) DELTALAKEDB_TRY(filter.Take(info, std::move(below)));
    }
    return {};
  };
  // With many folders, the listings of each would be more requests than one of everything.
  if (entered.size() > kTreeListingsMax) return ListPages(folder, /*is_recursive=*/true, take);
  for (const std::string& below : entered) {
    const auto listed = ListPages(folder + "/" + below, /*is_recursive=*/true, take);
    if (!listed && IsMissingObject(listed.error())) continue;  // emptied meanwhile
    DELTALAKEDB_TRY(listed);
  }
  return {};
}

Result<std::shared_ptr<const InputFile>> ObjectStore::Open(const std::string& path) const {
  DELTALAKEDB_ASSIGN(
      const arrow::fs::FileInfo info,
      Do<arrow::fs::FileInfo>({"open", path}, [client = client_, arrow_path = ArrowPath(path)] {
        return client->GetFileInfo(arrow_path);
      }));
  if (!info.IsFile()) return NotThere({"open", path});
  return MakeObject(path, info.size(), /*is_listed=*/false);
}

std::unexpected<Error> ObjectStore::NoConditions(const std::string& path) const {
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("cannot write {}: of object stores only S3 is written to, as the "
                                "clients of the others cannot be told not to replace an object",
                                path))
                  .With("file", path));
}

void ObjectStore::SetTarget(S3Target target) {
  putter_.emplace(
      std::move(target), place_,
      [this](const std::string& path, std::string_view bytes) { return HasBytes(path, bytes); });
}

Result<std::optional<bool>> ObjectStore::HasBytes(const std::string& path,
                                                  std::string_view bytes) const {
  // Read in pieces, as both may be large.
  constexpr std::size_t kPieceBytes = 4 * 1024 * 1024;
  const auto file = Open(path);
  if (!file) {
    if (IsMissingObject(file.error())) return std::optional<bool>();
    return Fail(file.error());
  }
  if ((*file)->size_bytes() != std::ssize(bytes)) return std::optional(false);
  std::string piece;
  for (std::size_t at = 0; at < bytes.size(); at += piece.size()) {
    piece.resize(std::min(kPieceBytes, bytes.size() - at));
    DELTALAKEDB_TRY((*file)->ReadAt(static_cast<std::int64_t>(at), piece));
    if (piece != bytes.substr(at, piece.size())) return std::optional(false);
  }
  return std::optional(true);
}

Result<PutResult> ObjectStore::PutIfAbsent(const std::string& path, std::string_view bytes,
                                           const PutOptions& /*options*/) const {
  if (!putter_) return NoConditions(path);
  return putter_->PutIfAbsent(path, bytes);
}

Result<std::unique_ptr<OutputFile>> ObjectStore::Create(const std::string& path,
                                                        const PutOptions& /*options*/) const {
  if (!putter_) return NoConditions(path);
  DELTALAKEDB_ASSIGN(TempFile file, TempFile::Make());
  return std::make_unique<ObjectInTheMaking>(*this, path, std::move(file));
}

Result<void> ObjectStore::Put(const std::string& path, std::string_view bytes) const {
  if (!putter_) return NoConditions(path);
  return putter_->Put(path, bytes);
}

Result<void> ObjectStore::Remove(const std::string& path) const {
  if (!putter_) return NoConditions(path);
  return putter_->Remove(path);
}

Result<std::shared_ptr<const InputFile>> ObjectStore::MakeObject(const std::string& path,
                                                                 std::int64_t size_bytes,
                                                                 bool is_listed) const {
  arrow::fs::FileInfo info(ArrowPath(path), arrow::fs::FileType::File);
  info.set_size(size_bytes + answer_bytes_min());
  auto file = client_->OpenInputFile(info);
  if (!file.ok()) return Fail(ErrorOf(file.status(), {"open", path}));
  return std::make_shared<Object>(*this, *std::move(file), path, size_bytes, is_listed);
}

}  // namespace

// TLS libraries that come in a wheel do not know where this system keeps its certificates.
std::string FindCertificates() {
  constexpr auto kUsualPlaces =
      std::to_array<const char*>({"/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"});
  if (const char* const own = std::getenv("SSL_CERT_FILE"); own != nullptr) return own;
  for (const char* const place : kUsualPlaces) {
    if (::access(place, R_OK) == 0) return place;
  }
  return {};
}

std::string ObjectStoreRoot(const Uri& uri) {
  const ObjectStoreParts& parts = *uri.object_store();
  switch (uri.kind()) {
    case UriKind::kS3:
      return "s3://" + parts.bucket;
    case UriKind::kGcs:
      return "gs://" + parts.bucket;
    default:
      return fmt::format("abfss://{}@{}", parts.bucket, parts.account_host);
  }
}

Result<const FileSystem*> OpenObjectStore(const Uri& uri, const Environment& environment) {
  if (uri.object_store() == nullptr) {
    return Fail(ErrorCode::kInternal, uri.ToString() + " is not on an object store");
  }
  DELTALAKEDB_ASSIGN(const std::string identity, StoreIdentity(uri, environment));
  DELTALAKEDB_ASSIGN(Stores* const stores, FindStores());
  const std::lock_guard lock(stores->mutex);
  auto& opened = stores->opened[identity];
  if (opened == nullptr) {
    const BlockedPipeSignal blocked;
    auto client = MakeStoreClient(uri, environment, stores->context);
    EndStoresAtExit();
    if (!client) return Fail(std::move(client).error());
    DELTALAKEDB_ASSIGN(auto target, FindS3Target(uri, environment, **client));
    auto store = std::make_unique<ObjectStore>(
        *std::move(client), StorePlace{ObjectStoreRoot(uri), uri.object_store()->bucket},
        environment, *stores);
    if (target) store->SetTarget(*std::move(target));
    opened = std::move(store);
  }
  return opened.get();
}

}  // namespace deltalakedb::storage
