#include "deltalakedb/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace deltalakedb {

TableId TableId::MakeRandom() {
  // Straight from the system's source: two processes must never agree, also after a fork. So few
  // bytes come whole, and never fail once the system has started (getrandom(2)).
  std::array<char, kBytes> bytes{};
  while (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);  // RFC 9562's variant
  return TableId(bytes);
}

std::optional<TableId> TableId::FromBytes(std::string_view bytes) {
  if (bytes.size() != kBytes) return std::nullopt;
  TableId id;
  std::ranges::copy(bytes, id.bytes_.begin());
  return id;
}

std::string TableId::ToString() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    const auto byte = static_cast<unsigned char>(bytes_[i]);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 0x0F]);
  }
  return text;
}

}  // namespace deltalakedb
