// Object stores as file systems: s3://, gs:// and abfss://.
//
// Reading, and of S3 writing too. Credentials and endpoints come from the environment (docs/uri.md,
// Object stores), never from the URI. Each request has a time limit; when it is over, the call
// fails and the request is left alone. A process that ends while such a request still runs ends by
// _exit, since the libraries underneath would wait for it.
//
// Objects are put by requests of our own (docs/adr/0010), each with the condition that none is
// there; the first one to a store is made twice, so that a server that ignores conditions is
// noticed and refused.
#pragma once

#include <string>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "storage/file_system.h"

namespace deltalakedb::storage {

// To open a connection. Unit: seconds.
inline constexpr double kStoreConnectSecondsMax = 5;
// Without a byte of an answer. Unit: seconds.
inline constexpr double kStoreSilenceSecondsMax = 10;
// Tries of one request; AWS_MAX_ATTEMPTS says otherwise for S3. Unit: requests.
inline constexpr int kStoreAttemptsMax = 3;
// For one call with all its tries, however slowly answers come in. Unit: seconds.
inline constexpr double kStoreCallSecondsMax = 60;
// Requests to all object stores at once. Unit: requests.
inline constexpr int kStoreRequestsMax = 16;

// The file system that has the table of `uri`, which names an object store. The same one is given
// for the same bucket, endpoint and key id again, and lives as long as the program.
// Errors: InvalidArgument (a setting in the environment), Unavailable, Io. Whether the bucket is
// there is not looked at.
Result<const FileSystem*> OpenObjectStore(const Uri& uri,
                                          const Environment& environment = ProcessEnvironment());

// How the paths of that file system begin: "s3://bucket".
std::string ObjectStoreRoot(const Uri& uri);

}  // namespace deltalakedb::storage
