// Parts of the object stores: Arrow's clients made from the environment, and their failures as
// ours.
#pragma once

#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/status.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "deltalakedb/error.h"
#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"

namespace deltalakedb::storage {

// What a file system of ours and Arrow's call the same place.
struct StorePlace {
  std::string root;    // of our paths: "s3://bucket", "abfss://container@account.example"
  std::string bucket;  // the same in Arrow's paths
};

// What was tried, for messages.
struct StoreCall {
  std::string_view what;  // a verb with its object's kind, such as "list folder"
  std::string path;
};

// The error for a call that Arrow says failed. It has none of the secrets in the environment, and
// no URL's query, where signatures are. Facts: `file`; `bucket` when that is what is missing;
// `store` when it did not answer.
Error StoreError(const arrow::Status& status, const StoreCall& call, const StorePlace& place,
                 const Environment& environment);

// The error for a call whose time is over.
Error StoreTimeout(const StoreCall& call, const StorePlace& place);

// What is the same in two environments that mean the same client.
Result<std::string> StoreIdentity(const Uri& uri, const Environment& environment);

// Arrow's client of the store that `uri` names. May wait for servers that give out credentials.
Result<std::shared_ptr<arrow::fs::FileSystem>> MakeStoreClient(const Uri& uri,
                                                               const Environment& environment,
                                                               const arrow::io::IOContext& context);

// Where and how objects are put into the bucket that `client` reads, by the settings that it was
// made with; nullopt where it is no S3.
struct S3Target;
Result<std::optional<S3Target>> FindS3Target(const Uri& uri, const Environment& environment,
                                             const arrow::fs::FileSystem& client);

// The file with the certificates of authorities that this system trusts; empty where it is not
// found.
std::string FindCertificates();

}  // namespace deltalakedb::storage
