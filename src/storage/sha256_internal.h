// SHA-256 (FIPS 180-4), for signing requests. Pure.
#pragma once

#include <string>
#include <string_view>

namespace deltalakedb::storage {

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace deltalakedb::storage
