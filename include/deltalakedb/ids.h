// Strong types for the quantities that must not be swapped at a call.
//
// Value types, trivially copyable, comparable; free of I/O.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

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

// The identity of a table in a catalog: a UUID (RFC 9562) that it keeps whatever its name.
class TableId {
 public:
  static constexpr std::size_t kBytes = 16;

  constexpr TableId() = default;
  constexpr explicit TableId(const std::array<char, kBytes>& bytes) : bytes_(bytes) {}

  // A new random one (version 4).
  static TableId MakeRandom();
  // From 16 bytes; nullopt for another number of them.
  static std::optional<TableId> FromBytes(std::string_view bytes);

  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  // "0b5c7a52-6f0e-4a4b-9d3c-2f1e8a7b6c5d"
  std::string ToString() const;
  friend auto operator<=>(const TableId&, const TableId&) = default;

 private:
  std::array<char, kBytes> bytes_{};
};

}  // namespace deltalakedb

template <>
struct std::hash<deltalakedb::Version> {
  std::size_t operator()(deltalakedb::Version version) const noexcept {
    return std::hash<std::int64_t>{}(version.value());
  }
};
