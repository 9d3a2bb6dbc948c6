// What an object store's failure means. Arrow flattens it to text, but all three clients put the
// store's own name of the error at a fixed place of it, which is what counts here:
//
//   S3     "… AWS Error ACCESS_DENIED during GetObject operation: …", or for names that the SDK
//   does
//          not know "… AWS Error UNKNOWN (HTTP status 400) during …: Unable to parse ExceptionName:
//          ExpiredToken Message: …"
//   GCS    "google::cloud::Status(PERMISSION_DENIED: …"
//   Azure  "… Azure Error: [AuthenticationFailed] …", or without a name where no answer came
#include <arrow/util/io_util.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <utility>

#include "storage/object_store_internal.h"

namespace deltalakedb::storage {

namespace {

// Unit: bytes.
constexpr std::size_t kStoreTextMax = 300;

// Variables whose values are secrets.
constexpr auto kSecretVariables = std::to_array<std::string_view>(
    {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY",
     "AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET"});

using Names = std::span<const std::string_view>;

// The object, or what was asked for of it: S3 says the latter of one that is shorter now.
constexpr auto kMissing =
    std::to_array<std::string_view>({"NO_SUCH_KEY", "RESOURCE_NOT_FOUND", "NOT_FOUND",
                                     "BlobNotFound", "PathNotFound", "404", "InvalidRange", "416"});
constexpr auto kMissingBucket =
    std::to_array<std::string_view>({"NO_SUCH_BUCKET", "ContainerNotFound", "FilesystemNotFound"});
constexpr auto kDenied = std::to_array<std::string_view>({"ACCESS_DENIED",
                                                          "INVALID_ACCESS_KEY_ID",
                                                          "SIGNATURE_DOES_NOT_MATCH",
                                                          "INVALID_SIGNATURE",
                                                          "INVALID_CLIENT_TOKEN_ID",
                                                          "MISSING_AUTHENTICATION_TOKEN",
                                                          "UNRECOGNIZED_CLIENT",
                                                          "REQUEST_EXPIRED",
                                                          "ExpiredToken",
                                                          "InvalidToken",
                                                          "AllAccessDisabled",
                                                          "PERMISSION_DENIED",
                                                          "UNAUTHENTICATED",
                                                          "AuthenticationFailed",
                                                          "AuthorizationFailure",
                                                          "AuthorizationPermissionMismatch",
                                                          "InvalidAuthenticationInfo",
                                                          "NoAuthenticationInformation",
                                                          "PublicAccessNotPermitted",
                                                          "401",
                                                          "403"});
constexpr auto kElsewhere = std::to_array<std::string_view>({"PermanentRedirect", "301"});
constexpr auto kNotAnswering = std::to_array<std::string_view>(
    {"NETWORK_CONNECTION", "REQUEST_TIMEOUT", "SLOW_DOWN", "THROTTLING", "INTERNAL_FAILURE",
     "SERVICE_UNAVAILABLE", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL",
     "ServerBusy", "InternalError", "OperationTimedOut", "429", "500", "502", "503", "504"});

bool HasAny(Names names, Names told) {
  return std::ranges::find_first_of(names, told) != names.end();
}

// The text between `before` and the first of `ends`; empty when there is none.
std::string_view TextBetween(std::string_view text, std::string_view before,
                             std::string_view ends) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start + before.size());
  return text.substr(0, text.find_first_of(ends));
}

// What the store calls the error, in up to two ways; empty where it does not.
std::array<std::string_view, 2> NamesIn(std::string_view text) {
  const std::string_view aws = TextBetween(text, "AWS Error ", " ");
  if (aws == "UNKNOWN") {
    return {TextBetween(text, "Unable to parse ExceptionName: ", " "),
            TextBetween(text, "(HTTP status ", ")")};
  }
  if (!aws.empty()) return {aws};
  const std::string_view google = TextBetween(text, "google::cloud::Status(", ":)");
  if (!google.empty()) return {google};
  if (text.find("Azure Error: []") != std::string_view::npos) return {"NETWORK_CONNECTION"};
  return {TextBetween(text, "Azure Error: [", "]")};
}

void ReplaceAll(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// The first line of a store's text, fit to be printed. What Arrow puts before the store's own words
// repeats what the message says anyway.
std::string Presentable(std::string_view store_text, const Environment& environment) {
  for (const std::string_view start : {"AWS Error ", "google::cloud::Status(", "Azure Error: "}) {
    const std::size_t at = store_text.find(start);
    if (at != std::string_view::npos) store_text.remove_prefix(at);
  }
  std::string text(store_text.substr(0, store_text.find_first_of("\r\n")));
  for (const std::string_view variable : kSecretVariables) {
    const auto secret = environment(variable);
    if (secret && !secret->empty()) ReplaceAll(text, *secret, "***");
  }
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const std::size_t end = std::min(text.find_first_of(" '\")", at), text.size());
    const std::size_t query = text.find('?', at);
    if (query < end) text.replace(query, end - query, "?***");
  }
  std::erase_if(text, [](unsigned char c) { return c < ' ' || c == 0x7F; });
  if (text.size() > kStoreTextMax) text = text.substr(0, kStoreTextMax) + "…";
  return text;
}

Error Silent(const StoreCall& call, const StorePlace& place, std::string_view reason) {
  return Error(ErrorCode::kUnavailable,
               fmt::format("cannot {} {}: {}", call.what, call.path, reason))
      .With("store", place.root);
}

}  // namespace

Error StoreTimeout(const StoreCall& call, const StorePlace& place) {
  return Silent(call, place, "the object store takes too long to answer");
}

Error StoreError(const arrow::Status& status, const StoreCall& call, const StorePlace& place,
                 const Environment& environment) {
  const auto names = NamesIn(status.message());
  const auto error = [&](ErrorCode code, std::string_view reason) {
    return Error(code, fmt::format("cannot {} {}: {}", call.what, call.path, reason))
        .With("file", call.path);
  };
  if (HasAny(kMissingBucket, names)) {
    return error(ErrorCode::kNotFound, fmt::format("there is no bucket {}", place.bucket))
        .With("bucket", place.bucket);
  }
  if (HasAny(kMissing, names) || arrow::internal::ErrnoFromStatus(status) == ENOENT) {
    return error(ErrorCode::kNotFound, "there is no such object");
  }
  const std::string text = Presentable(status.message(), environment);
  if (HasAny(kDenied, names)) {
    return error(ErrorCode::kPermission,
                 fmt::format("the object store denies access; look at the credentials in the "
                             "environment and what they allow ({})",
                             text));
  }
  if (HasAny(kNotAnswering, names)) return Silent(call, place, text);
  if (HasAny(kElsewhere, names)) {
    return error(ErrorCode::kInvalidArgument,
                 fmt::format("the bucket is in another region: look at AWS_REGION ({})", text));
  }
  // A key that Arrow has no path for, such as one with an empty part.
  return error(status.IsInvalid() ? ErrorCode::kInvalidArgument : ErrorCode::kIo, text);
}

}  // namespace deltalakedb::storage
