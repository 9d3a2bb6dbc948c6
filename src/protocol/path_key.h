// The key under which databases keep a file: paths can be longer than an index entry, and several
// texts can name one file.
#pragma once

#include <string>
#include <string_view>

#include "protocol/hash128.h"

namespace deltalakedb::protocol {

// The hash of the canonical path (protocol/paths.h, AppendCanonicalPath, also for `table_root`),
// which is in `scratch` afterwards, whatever was there before. Two paths of one table name one file
// where these texts are equal; equal keys only mean that they are worth comparing.
Hash128 PathKey(std::string_view path, std::string_view table_root, std::string& scratch);

}  // namespace deltalakedb::protocol
