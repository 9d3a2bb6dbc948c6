// Strong types for the quantities that must not be swapped at a call.
//
// Value types, trivially copyable, comparable; free of I/O.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace deltalakedb {

// The version of a Delta table: 0 for its first commit, one more for each later one
// (PROTOCOL.md, Log files and names). Never negative in a valid table.
class Version {
 public:
  constexpr Version() = default;
  constexpr explicit Version(std::int64_t value) : value_(value) {}

  constexpr std::int64_t value() const { return value_; }
  constexpr Version next() const { return Version(value_ + 1); }
  friend constexpr auto operator<=>(Version, Version) = default;

 private:
  std::int64_t value_ = 0;
};

// A moment in milliseconds since 1970-01-01T00:00:00 UTC, the unit of Delta's own timestamps.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  constexpr explicit Timestamp(std::int64_t ms) : ms_(ms) {}

  constexpr std::int64_t ms() const { return ms_; }
  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;

 private:
  std::int64_t ms_ = 0;
};

// The versions first..last, both included, that can be read.
struct VersionRange {
  Version first;
  Version last;

  friend constexpr bool operator==(const VersionRange&, const VersionRange&) = default;
};

}  // namespace deltalakedb

template <>
struct std::hash<deltalakedb::Version> {
  std::size_t operator()(deltalakedb::Version version) const noexcept {
    return std::hash<std::int64_t>{}(version.value());
  }
};
