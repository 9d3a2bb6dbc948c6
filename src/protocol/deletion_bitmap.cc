#include "protocol/deletion_bitmap.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <concepts>
#include <span>
#include <utility>

#include "base/try.h"

namespace deltalakedb::protocol {

namespace {

// PROTOCOL.md, Deletion vectors: the portable 64-bit format begins with this.
constexpr std::uint32_t kMagic = 1681511377;

// RoaringFormatSpec: cookies of a 32-bit bitmap, without and with containers of runs.
constexpr std::uint32_t kCookieWithoutRuns = 12346;
constexpr std::uint32_t kCookieWithRuns = 12347;
// Bitmaps with runs and fewer containers have no offsets.
constexpr std::uint32_t kContainersWithOffsetsMin = 4;
constexpr std::uint32_t kContainersMax = 1U << 16;
// A container with more rows is a plain bitmap.
constexpr std::uint32_t kArrayRowsMax = 4096;
constexpr std::size_t kPlainBitmapWords = 1024;

std::unexpected<Error> Damaged(std::string_view problem) {
  return Fail(ErrorCode::kCorrupt, fmt::format("a deletion vector is damaged: {}", problem));
}

template <std::unsigned_integral T>
T ReadLittle(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>((value << 7 << 1) | static_cast<unsigned char>(bytes[i]));
  }
  return value;
}

std::uint32_t ReadBig32(std::string_view bytes) {
  return std::byteswap(ReadLittle<std::uint32_t>(bytes));
}

// CRC-32 of ISO-HDLC, bit by bit through a table.
std::uint32_t Crc32(std::string_view bytes) {
  static const auto sums = [] {
    constexpr std::uint32_t kPolynomial = 0xEDB88320;
    std::array<std::uint32_t, 256> table = {};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) * kPolynomial);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc = (crc >> 8) ^ sums[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  }
  return ~crc;
}

class BitmapReader {
 public:
  BitmapReader(std::string_view bytes, std::int64_t cardinality)
      : left_(bytes), cardinality_(cardinality) {}

  Result<std::vector<std::int64_t>> Read();

 private:
  template <std::unsigned_integral T>
  Result<T> Take() {
    DELTALAKEDB_ASSIGN(const std::string_view bytes, TakeBytes(sizeof(T)));
    return ReadLittle<T>(bytes);
  }
  Result<std::string_view> TakeBytes(std::size_t count) {
    if (left_.size() < count) return Damaged("it ends too early");
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }
  // Of one 32-bit bitmap, `base` being the bits above.
  Result<void> ReadBitmap(std::int64_t base);
  Result<void> ReadContainer(std::int64_t base, std::uint32_t rows, bool is_runs);
  Result<void> ReadRuns(std::int64_t base);
  Result<void> ReadPlain(std::int64_t base);
  Result<void> Add(std::int64_t position) {
    if (!rows_.empty() && position <= rows_.back()) return Damaged("its rows are not ascending");
    if (std::cmp_greater_equal(rows_.size(), cardinality_)) return WrongCardinality();
    rows_.push_back(position);
    return {};
  }
  std::unexpected<Error> WrongCardinality() const {
    return Damaged(fmt::format("it has not the {} rows that the log tells", cardinality_));
  }

  std::string_view left_;
  std::int64_t cardinality_;
  std::vector<std::int64_t> rows_;
};

Result<std::vector<std::int64_t>> BitmapReader::Read() {
  DELTALAKEDB_ASSIGN(const std::uint32_t magic, Take<std::uint32_t>());
  if (magic != kMagic) return Damaged(fmt::format("it begins with {}, not {}", magic, kMagic));
  DELTALAKEDB_ASSIGN(const std::uint64_t count, Take<std::uint64_t>());
  for (std::uint64_t i = 0; i < count; ++i) {
    DELTALAKEDB_ASSIGN(const std::uint32_t key, Take<std::uint32_t>());
    if (key >> 31 != 0) return Damaged("a row is beyond 2^63");
    DELTALAKEDB_TRY(ReadBitmap(static_cast<std::int64_t>(key) << 32));
  }
  if (!left_.empty()) return Damaged("there is something behind it");
  if (std::cmp_not_equal(rows_.size(), cardinality_)) return WrongCardinality();
  return std::move(rows_);
}

Result<void> BitmapReader::ReadBitmap(std::int64_t base) {
  DELTALAKEDB_ASSIGN(const std::uint32_t cookie, Take<std::uint32_t>());
  const bool has_runs = (cookie & 0xFFFF) == kCookieWithRuns;
  if (!has_runs && cookie != kCookieWithoutRuns) return Damaged("it is no roaring bitmap");
  std::uint32_t containers = (cookie >> 16) + 1;
  std::string_view runs;
  if (has_runs) {
    DELTALAKEDB_ASSIGN(runs, TakeBytes((containers + 7) / 8));
  } else {
    DELTALAKEDB_ASSIGN(containers, Take<std::uint32_t>());
  }
  if (containers > kContainersMax) return Damaged("it has too many containers");
  DELTALAKEDB_ASSIGN(const std::string_view keys, TakeBytes(std::size_t{containers} * 4));
  // Where each container begins, which follows from their sizes.
  if (!has_runs || containers >= kContainersWithOffsetsMin) {
    DELTALAKEDB_TRY(TakeBytes(std::size_t{containers} * 4));
  }
  for (std::uint32_t i = 0; i < containers; ++i) {
    const auto key = ReadLittle<std::uint16_t>(keys.substr(std::size_t{i} * 4, 2));
    const auto last = ReadLittle<std::uint16_t>(keys.substr((std::size_t{i} * 4) + 2, 2));
    const bool is_runs = has_runs && (runs[i / 8] >> (i % 8) & 1) != 0;
    DELTALAKEDB_TRY(ReadContainer(base + (std::int64_t{key} << 16), last + 1U, is_runs));
  }
  return {};
}

Result<void> BitmapReader::ReadContainer(std::int64_t base, std::uint32_t rows, bool is_runs) {
  if (is_runs) return ReadRuns(base);
  if (rows > kArrayRowsMax) return ReadPlain(base);
  for (std::uint32_t i = 0; i < rows; ++i) {
    DELTALAKEDB_ASSIGN(const std::uint16_t row, Take<std::uint16_t>());
    DELTALAKEDB_TRY(Add(base + row));
  }
  return {};
}

Result<void> BitmapReader::ReadRuns(std::int64_t base) {
  DELTALAKEDB_ASSIGN(const std::uint16_t runs, Take<std::uint16_t>());
  for (int i = 0; i < runs; ++i) {
    DELTALAKEDB_ASSIGN(const std::uint16_t first, Take<std::uint16_t>());
    DELTALAKEDB_ASSIGN(const std::uint16_t more, Take<std::uint16_t>());
    if (first + more >= 1 << 16) return Damaged("a run leaves its container");
    for (int row = first; row <= first + more; ++row) DELTALAKEDB_TRY(Add(base + row));
  }
  return {};
}

Result<void> BitmapReader::ReadPlain(std::int64_t base) {
  for (std::size_t word = 0; word < kPlainBitmapWords; ++word) {
    DELTALAKEDB_ASSIGN(std::uint64_t bits, Take<std::uint64_t>());
    for (; bits != 0; bits &= bits - 1) {
      DELTALAKEDB_TRY(Add(base + static_cast<std::int64_t>(word * 64) + std::countr_zero(bits)));
    }
  }
  return {};
}

}  // namespace

Result<std::string_view> TakeStoredBitmap(std::string_view stored, std::int32_t size_in_bytes) {
  const auto size = static_cast<std::size_t>(size_in_bytes);
  if (size_in_bytes < 0 || stored.size() < kBitmapLengthBytes + size + kBitmapChecksumBytes) {
    return Damaged("its file ends too early");
  }
  if (ReadBig32(stored) != static_cast<std::uint32_t>(size_in_bytes)) {
    return Damaged(fmt::format("its file has {} bytes of it, the log tells of {}",
                               ReadBig32(stored), size_in_bytes));
  }
  const std::string_view bitmap = stored.substr(kBitmapLengthBytes, size);
  if (Crc32(bitmap) != ReadBig32(stored.substr(kBitmapLengthBytes + size))) {
    return Damaged("its checksum is wrong");
  }
  return bitmap;
}

Result<std::vector<std::int64_t>> DecodeBitmap(std::string_view bytes, std::int64_t cardinality) {
  return BitmapReader(bytes, cardinality).Read();
}

}  // namespace deltalakedb::protocol
