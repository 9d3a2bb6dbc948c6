// Intervals of table properties, such as delta.deletedFileRetentionDuration (PROTOCOL.md, Table
// properties). Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace deltalakedb::protocol {

// "interval 1 week", "2 days 12 hours": whole numbers of units from weeks to milliseconds, the word
// in front optional, in any case. Nullopt for anything else, such as months, whose length varies,
// negative numbers, or more than 64 bits can tell.
std::optional<std::chrono::milliseconds> ParseInterval(std::string_view text);

}  // namespace deltalakedb::protocol
