// Moments as text: RFC 3339, the form of every time that a person gives or reads.
//
// Pure functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"

namespace deltalakedb::base {

// Where a time between two milliseconds goes. Timestamps have whole ones, so "at T or before" means
// the one below T and "at T or after" the one above: neither then lets in a commit too many.
enum class Rounding { kDown, kUp };

// Reads `2024-01-02T03:04:05Z`, strictly as RFC 3339 (section 5.6) has it: `T` and `Z` in either
// case, an offset such as `+02:00` in place of Z, up to nine digits of fraction, and second 60 only
// where a leap second can be (it then means the second after it, as Unix time does).
// Errors: InvalidArgument, naming the part that is wrong.
Result<Timestamp> ParseRfc3339(std::string_view text, Rounding rounding);

// `2024-01-02T03:04:05.678Z`, which ParseRfc3339 reads back; a moment outside of the years 0000 to
// 9999, which RFC 3339 cannot say, as its number of milliseconds.
std::string FormatRfc3339(Timestamp moment);

}  // namespace deltalakedb::base
