// Writing objects to S3 by PUT, with the condition that none is there: what Arrow's client lacks
// (STACK.md). And removing them: Arrow's client puts a marker for the folder of one that is gone.
// Requests are signed by libcurl (Signature Version 4, its payload too).
//
// Thread-safety: an S3Putter may be used from several threads at once.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/result.h"
#include "storage/file_system.h"
#include "storage/object_store_internal.h"

namespace deltalakedb::storage {

// S3 takes no more in one request (Amazon S3 User Guide, Uploading objects). Unit: bytes.
inline constexpr std::int64_t kS3PutBytesMax = std::int64_t{5} * 1024 * 1024 * 1024;

struct S3Credentials {
  std::string key_id;  // empty: requests are not signed
  std::string secret;
  std::string session_token;
};

struct S3Target {
  std::string bucket_url;  // "http://127.0.0.1:9000/bucket", "https://bucket.s3.eu-west-1.…"
  std::string region;
  std::string ca_file;  // empty: those that the system trusts
  int attempts = 1;
  // Asked before each request, as credentials expire.
  std::function<S3Credentials()> credentials;
};

class S3Putter {
 public:
  // Whether the object at a path holds these very bytes; nullopt where there is none.
  using Compare =
      std::function<Result<std::optional<bool>>(const std::string& path, std::string_view bytes)>;

  S3Putter(S3Target target, StorePlace place, Compare compare);
  ~S3Putter();

  // FileSystem::PutIfAbsent, Put and Remove.
  Result<PutResult> PutIfAbsent(const std::string& path, std::string_view bytes) const;
  Result<void> Put(const std::string& path, std::string_view bytes) const;
  Result<void> Remove(const std::string& path) const;

 private:
  class Connections;
  struct Answer;
  struct Request;

  Result<Answer> Send(const Request& request) const;
  Result<PutResult> SendWithRetries(const Request& request) const;
  // Puts an object again that was just written: a server that takes that would replace others too.
  Result<void> CheckConditions(const Request& request) const;
  std::unexpected<Error> IgnoresConditions(const std::string& path) const;

  S3Target target_;
  StorePlace place_;
  Compare compare_;
  std::unique_ptr<Connections> connections_;
};

}  // namespace deltalakedb::storage
