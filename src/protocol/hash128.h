// XXH3-128 with seed 0, as databases keep it: of commit bodies and of paths. Equal input gives
// equal bytes on every machine and in every version of this program.
//
// Not against an adversary: whoever looks something up by hash compares the text as well.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <memory>
#include <string_view>

namespace deltalakedb::protocol {

struct Hash128 {
  std::array<std::byte, 16> bytes{};  // canonical: the most significant first

  // The bytes as a text, alive as long as this.
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

Hash128 HashOf(std::string_view text);

// The hash of a text that comes in pieces; how it is cut does not matter.
class Hash128Builder {
 public:
  Hash128Builder();
  ~Hash128Builder();
  Hash128Builder(Hash128Builder&&) noexcept;
  Hash128Builder& operator=(Hash128Builder&&) noexcept;

  void Update(std::string_view piece);
  // The hash of all pieces so far; more may follow.
  Hash128 Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deltalakedb::protocol
