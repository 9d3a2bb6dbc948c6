// Memory for the texts of many actions at once: allocated by bumping a pointer, freed as one.
//
// Not thread-safe; its pieces stay where they are until it is destroyed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace deltalakedb::protocol {

class Arena {
 public:
  // `size` bytes aligned to `alignment`, a power of two.
  void* Allocate(std::size_t size, std::size_t alignment) {
    const auto misaligned = reinterpret_cast<std::uintptr_t>(next_) & (alignment - 1);
    const std::size_t padding = misaligned == 0 ? 0 : alignment - misaligned;
    if (size + padding > static_cast<std::size_t>(end_ - next_)) {
      AddBlock(size + alignment);
      return Allocate(size, alignment);
    }
    std::byte* const result = next_ + padding;
    next_ = result + size;
    return result;
  }

  // Room for `size` chars of which the caller may use fewer and give the rest back by ShrinkLast.
  char* AllocateChars(std::size_t size) { return static_cast<char*>(Allocate(size, 1)); }
  // Ends the newest allocation at `end`, a pointer into it.
  void ShrinkLast(char* end) { next_ = reinterpret_cast<std::byte*>(end); }

  std::string_view Copy(std::string_view text) {
    char* const copy = AllocateChars(text.size());
    if (!text.empty()) std::memcpy(copy, text.data(), text.size());
    return {copy, text.size()};
  }

  // Forgets everything, which must no longer be in use, and starts over in the memory it has.
  void Reset() {
    if (blocks_.empty()) return;
    blocks_.resize(1);
    next_ = blocks_.front().get();
    end_ = next_ + first_block_bytes_;
  }

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  std::span<const T> Copy(const std::vector<T>& values) {
    if (values.empty()) return {};
    T* const copy = static_cast<T*>(Allocate(values.size() * sizeof(T), alignof(T)));
    std::uninitialized_copy(values.begin(), values.end(), copy);
    return {copy, values.size()};
  }

 private:
  static constexpr std::size_t kBlockBytes = 256 * 1024;

  void AddBlock(std::size_t size_at_least) {
    const std::size_t size = std::max(kBlockBytes, size_at_least);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    next_ = blocks_.back().get();
    end_ = next_ + size;
    if (blocks_.size() == 1) first_block_bytes_ = size;
  }

  std::size_t first_block_bytes_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
};

}  // namespace deltalakedb::protocol
