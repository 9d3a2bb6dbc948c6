#include "protocol/hash128.h"

#include <xxhash.h>

#include <bit>
#include <new>

namespace deltalakedb::protocol {

namespace {

Hash128 Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  static_assert(sizeof(canonical.digest) == sizeof(Hash128::bytes));
  return std::bit_cast<Hash128>(canonical);
}

}  // namespace

Hash128 HashOf(std::string_view text) { return Canonical(XXH3_128bits(text.data(), text.size())); }

struct Hash128Builder::State {
  State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(xxh); }

  XXH3_state_t* xxh;
};

Hash128Builder::Hash128Builder() : state_(std::make_unique<State>()) {}
Hash128Builder::~Hash128Builder() = default;
Hash128Builder::Hash128Builder(Hash128Builder&&) noexcept = default;
Hash128Builder& Hash128Builder::operator=(Hash128Builder&&) noexcept = default;

void Hash128Builder::Update(std::string_view piece) {
  // An empty view may have no memory, which XXH3 takes for a mistake.
  if (!piece.empty()) XXH3_128bits_update(state_->xxh, piece.data(), piece.size());
}

Hash128 Hash128Builder::Finish() const { return Canonical(XXH3_128bits_digest(state_->xxh)); }

}  // namespace deltalakedb::protocol
