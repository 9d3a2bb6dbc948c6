#include "deltalakedb/ids.h"

#include <algorithm>
#include <random>

namespace deltalakedb {

TableId TableId::MakeRandom() {
  // Straight from the system's source: ids are made rarely, and two processes must never agree.
  std::random_device device;
  std::array<char, kBytes> bytes{};
  for (char& byte : bytes) byte = static_cast<char>(device() & 0xFF);
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
