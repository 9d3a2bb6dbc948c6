#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/retry.h"
#include "base/try.h"
#include "storage/object_store.h"
#include "storage/s3_put_internal.h"
#include "storage/sha256_internal.h"

namespace deltalakedb::storage {

namespace {

// Of an answer's text; the rest is dropped. Unit: bytes.
constexpr std::size_t kAnswerBytesMax = 16 * 1024;
// Of what a store says, in a message. Unit: bytes.
constexpr std::size_t kStoreTextMax = 300;
// An upload may take as much longer than kStoreCallSecondsMax as this needs. Unit: bytes/s.
constexpr std::int64_t kUploadBytesPerSecondMin = 1024 * 1024;
// How often a request is made anew that another one got in the way of.
constexpr int kConflictsMax = 10;

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, FreeHandle>;

// Header lines of a request.
class Headers {
 public:
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  ~Headers() { curl_slist_free_all(list_); }

  void Add(const std::string& line) {
    // It gives the list's new start, which is the old one where there was one already.
    curl_slist* const start = curl_slist_append(list_, line.c_str());
    if (start != nullptr) list_ = start;
  }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// As Signature Version 4 wants it: everything but unreserved characters (RFC 3986, 2.3) and the
// slashes between parts of a key.
std::string EncodeKey(std::string_view key) {
  std::string out;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '.' || c == '_' || c == '~' ||
        c == '/') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::size_t TakeAnswer(char* data, std::size_t /*one*/, std::size_t size, void* text) {
  auto& answer = *static_cast<std::string*>(text);
  answer.append(data, std::min(size, kAnswerBytesMax - answer.size()));
  return size;
}

// What an element of an answer holds; empty where there is none.
std::string_view ElementOf(std::string_view xml, std::string_view name) {
  const std::string start = fmt::format("<{}>", name);
  const std::size_t begin = xml.find(start);
  if (begin == std::string_view::npos) return {};
  xml.remove_prefix(begin + start.size());
  return xml.substr(0, xml.find('<'));
}

bool InitializeCurl() {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return is_ready;
}

void Pause(int retry) { std::this_thread::sleep_for(base::PauseBefore(retry, {})); }

}  // namespace

// What came back. Without a status nothing did.
struct S3Putter::Answer {
  long status = 0;
  std::string text;
  std::string problem;             // of the connection, where there was no answer
  bool may_have_arrived = true;    // the request, where there was no answer
  bool may_be_the_second = false;  // an earlier one to the same request was lost

  bool is_done() const { return status >= 200 && status < 300; }
  // Whether the same request may have another answer later (RFC 9110, 15.6; Amazon S3, Error
  // responses): 409 is another request at the same object.
  bool is_passing() const {
    return status == 0 || status == 408 || status == 429 || (status >= 500 && status != 501);
  }
};

struct S3Putter::Request {
  const std::string& path;
  std::string_view bytes;
  bool if_absent = false;
  bool is_removal = false;

  // Servers that tell of an object that was not there, which Amazon's does not.
  bool IsGone(const Answer& answer) const {
    return is_removal && answer.status == 404 && ElementOf(answer.text, "Code") == "NoSuchKey";
  }
  std::string_view what() const { return is_removal ? "remove" : "write"; }
};

// Handles that may have open connections, and whether the store is known to heed conditions.
class S3Putter::Connections {
 public:
  struct Connection {
    Handle handle;
    bool is_open = false;  // to the server, from a request before
  };

  Connection Take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return {Handle(curl_easy_init()), false};
    Connection connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  void Return(Handle handle) {
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(handle.get(), CURLINFO_ACTIVESOCKET, &socket);
    curl_easy_reset(handle.get());
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kStoreRequestsMax) {
      idle_.push_back({std::move(handle), socket != CURL_SOCKET_BAD});
    }
  }

  std::atomic<bool> heeds_conditions = false;
  std::atomic<bool> ignores_conditions = false;

 private:
  std::mutex mutex_;
  std::vector<Connection> idle_;  // guarded by mutex_
};

S3Putter::S3Putter(S3Target target, StorePlace place, Compare compare)
    : target_(std::move(target)),
      place_(std::move(place)),
      compare_(std::move(compare)),
      connections_(std::make_unique<Connections>()) {}

S3Putter::~S3Putter() = default;

Result<S3Putter::Answer> S3Putter::Send(const Request& request) const {
  if (!InitializeCurl()) return Fail(ErrorCode::kUnavailable, "libcurl cannot be started");
  auto [handle, was_open] = connections_->Take();
  if (handle == nullptr) return Fail(ErrorCode::kUnavailable, "libcurl cannot make a connection");
  CURL* const curl = handle.get();
  const std::string url =
      target_.bucket_url + EncodeKey(std::string_view(request.path).substr(place_.root.size()));
  const S3Credentials credentials = target_.credentials();
  Headers headers;
  if (!request.is_removal) headers.Add("Content-Type: application/octet-stream");
  if (request.if_absent) headers.Add("If-None-Match: *");
  const std::string signing = fmt::format("aws:amz:{}:s3", target_.region);
  if (!credentials.key_id.empty()) {
    // libcurl signs the hash that it is given, and S3 wants it in every request.
    headers.Add("X-Amz-Content-Sha256: " + Sha256Hex(request.bytes));
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, signing.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, credentials.key_id.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, credentials.secret.c_str());
    if (!credentials.session_token.empty()) {
      headers.Add("X-Amz-Security-Token: " + credentials.session_token);
    }
  }
  Answer answer;
  const long seconds = static_cast<long>(kStoreCallSecondsMax) +
                       static_cast<long>(std::ssize(request.bytes) / kUploadBytesPerSecondMin);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.is_removal ? "DELETE" : "PUT");
  if (!request.is_removal) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.bytes.empty() ? "" : request.bytes.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.bytes.size()));
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(kStoreConnectSecondsMax));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(kStoreSilenceSecondsMax));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, TakeAnswer);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.text);
  if (!target_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, target_.ca_file.c_str());
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    // Where an open connection ends before an answer, libcurl sends the request again by itself.
    long connects = 0;
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
    answer.may_be_the_second = was_open && connects > 0;
    connections_->Return(std::move(handle));
    return answer;
  }
  // The connection is dropped with its handle.
  answer.problem = curl_easy_strerror(code);
  answer.may_have_arrived = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST &&
                            code != CURLE_SSL_CONNECT_ERROR &&
                            code != CURLE_PEER_FAILED_VERIFICATION;
  return answer;
}

namespace {

Error Refused(long status, std::string_view text, std::string_view what, const std::string& path,
              const StorePlace& place) {
  const std::string_view name = ElementOf(text, "Code");
  const auto error = [&](ErrorCode code, std::string_view reason) {
    return Error(code, fmt::format("cannot {} {}: {}", what, path, reason)).With("file", path);
  };
  if (status == 404 || name == "NoSuchBucket") {
    return error(ErrorCode::kNotFound, fmt::format("there is no bucket {}", place.bucket))
        .With("bucket", place.bucket);
  }
  std::string told = fmt::format("status {}", status);
  if (!name.empty()) told += fmt::format(" {}", name.substr(0, kStoreTextMax));
  if (status == 401 || status == 403 || name == "ExpiredToken" || name == "InvalidToken") {
    return error(ErrorCode::kPermission,
                 fmt::format("the object store denies access; look at the credentials in the "
                             "environment and what they allow ({})",
                             told));
  }
  if (status >= 300 && status < 400) {
    return error(ErrorCode::kInvalidArgument,
                 fmt::format("the bucket is in another region; AWS_REGION names it ({})", told));
  }
  if (status == 501) {
    return error(ErrorCode::kUnsupported,
                 fmt::format("the object store does not know conditional writes ({})", told));
  }
  return error(ErrorCode::kIo, fmt::format("the object store refuses it ({})", told));
}

Error NoAnswer(std::string_view problem, std::string_view what, const std::string& path,
               const StorePlace& place) {
  return Error(
             ErrorCode::kUnavailable,
             fmt::format("cannot {} {}: {}; whether it was done is not known", what, path, problem))
      .With("store", place.root)
      .With("file", path);
}

}  // namespace

Result<PutResult> S3Putter::SendWithRetries(const Request& request) const {
  bool may_be_there = false;  // from a request of this call
  std::string problem;
  // What is there decides once an answer was lost: this call may have written it.
  const auto look = [&]() -> Result<std::optional<PutResult>> {
    if (!request.if_absent) return std::optional<PutResult>();
    DELTALAKEDB_ASSIGN(const auto is_same, compare_(request.path, request.bytes));
    if (!is_same) return std::optional<PutResult>();
    return std::optional(*is_same ? PutResult::kWritten : PutResult::kExists);
  };
  int conflicts = 0;
  for (int attempt = 1; attempt <= target_.attempts;) {
    if (attempt + conflicts > 1) Pause(attempt + conflicts - 1);
    DELTALAKEDB_ASSIGN(const Answer answer, Send(request));
    if (answer.is_done() || request.IsGone(answer)) return PutResult::kWritten;
    if (answer.status == 412 && request.if_absent) {
      if (!may_be_there && !answer.may_be_the_second) return PutResult::kExists;
      DELTALAKEDB_ASSIGN(const auto found, look());
      return found.value_or(PutResult::kExists);
    }
    if (answer.status == 409 && conflicts < kConflictsMax) {
      ++conflicts;
      continue;
    }
    if (answer.status != 409 && !answer.is_passing()) {
      return Fail(Refused(answer.status, answer.text, request.what(), request.path, place_));
    }
    may_be_there |= answer.status != 0 || answer.may_have_arrived;
    problem = answer.status == 0 ? answer.problem
                                 : fmt::format("the object store answers with status {} {}",
                                               answer.status, ElementOf(answer.text, "Code"));
    ++attempt;
  }
  if (may_be_there) {
    const auto found = look();
    if (found && *found) return **found;
  }
  return Fail(NoAnswer(problem, request.what(), request.path, place_));
}

Result<void> S3Putter::CheckConditions(const Request& request) const {
  DELTALAKEDB_ASSIGN(const Answer answer, Send(request));
  if (answer.status == 412) connections_->heeds_conditions = true;
  // Anything but a plain yes says nothing; the next write asks again.
  if (!answer.is_done()) return {};
  connections_->ignores_conditions = true;
  return IgnoresConditions(request.path);
}

std::unexpected<Error> S3Putter::IgnoresConditions(const std::string& path) const {
  return Fail(Error(ErrorCode::kUnsupported,
                    fmt::format("cannot write {}: the object store at {} replaces objects although "
                                "the request says not to, so that commits could be lost",
                                path, place_.root))
                  .With("store", place_.root)
                  .With("file", path));
}

Result<PutResult> S3Putter::PutIfAbsent(const std::string& path, std::string_view bytes) const {
  if (std::ssize(bytes) > kS3PutBytesMax) {
    return Fail(Error(ErrorCode::kLimitExceeded,
                      fmt::format("cannot write {}: S3 takes {} bytes at once, and it has {}", path,
                                  kS3PutBytesMax, bytes.size()))
                    .With("file", path));
  }
  const Request request{path, bytes, /*if_absent=*/true};
  if (connections_->ignores_conditions) return IgnoresConditions(path);
  const bool is_checked = connections_->heeds_conditions;
  if (!is_checked) {
    DELTALAKEDB_ASSIGN(const auto is_same, compare_(path, bytes));
    if (is_same) return PutResult::kExists;
  }
  DELTALAKEDB_ASSIGN(const PutResult result, SendWithRetries(request));
  if (!is_checked && result == PutResult::kWritten) DELTALAKEDB_TRY(CheckConditions(request));
  return result;
}

Result<void> S3Putter::Put(const std::string& path, std::string_view bytes) const {
  DELTALAKEDB_TRY(SendWithRetries({path, bytes, /*if_absent=*/false}));
  return {};
}

Result<void> S3Putter::Remove(const std::string& path) const {
  DELTALAKEDB_TRY(SendWithRetries({path, {}, /*if_absent=*/false, /*is_removal=*/true}));
  return {};
}

}  // namespace deltalakedb::storage
