#include "protocol/deletion_bitmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <functional>
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

// ---- writing ------------------------------------------------------------------------------------

template <std::unsigned_integral T>
void AppendLittle(T value, std::string& out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}

void AppendBig32(std::uint32_t value, std::string& out) { AppendLittle(std::byteswap(value), out); }

using Rows = std::span<const std::int64_t>;

// Takes the rows in front whose bits from `shift` on are those of the first.
Rows TakeSameKey(Rows& rows, int shift) {
  const std::int64_t key = rows.front() >> shift;
  const auto end =
      std::ranges::partition_point(rows, [&](std::int64_t row) { return (row >> shift) == key; });
  const Rows taken = rows.first(static_cast<std::size_t>(end - rows.begin()));
  rows = rows.subspan(taken.size());
  return taken;
}

std::uint16_t LowBits(std::int64_t row) { return static_cast<std::uint16_t>(row & 0xFFFF); }

// The rows of one container: those that share all bits but the lowest 16.
struct Container {
  Rows rows;
  std::size_t runs = 0;

  explicit Container(Rows taken) : rows(taken), runs(1) {
    for (std::size_t i = 1; i < rows.size(); ++i) runs += rows[i] != rows[i - 1] + 1 ? 1 : 0;
  }
  std::size_t PlainBytes() const {
    return rows.size() > kArrayRowsMax ? kPlainBitmapWords * sizeof(std::uint64_t)
                                       : rows.size() * sizeof(std::uint16_t);
  }
  std::size_t RunBytes() const { return sizeof(std::uint16_t) * (1 + 2 * runs); }
  bool IsRuns() const { return RunBytes() < PlainBytes(); }
  std::size_t Bytes() const { return std::min(RunBytes(), PlainBytes()); }

  void Append(std::string& out) const {
    if (IsRuns()) return AppendRuns(out);
    if (rows.size() > kArrayRowsMax) return AppendPlain(out);
    for (const std::int64_t row : rows) AppendLittle(LowBits(row), out);
  }

 private:
  void AppendRuns(std::string& out) const {
    AppendLittle(static_cast<std::uint16_t>(runs), out);
    for (std::size_t i = 0; i < rows.size();) {
      std::size_t more = 0;
      while (i + more + 1 < rows.size() && rows[i + more + 1] == rows[i + more] + 1) ++more;
      AppendLittle(LowBits(rows[i]), out);
      AppendLittle(static_cast<std::uint16_t>(more), out);
      i += more + 1;
    }
  }
  void AppendPlain(std::string& out) const {
    std::array<std::uint64_t, kPlainBitmapWords> words = {};
    for (const std::int64_t row : rows) {
      words.at(LowBits(row) / 64) |= std::uint64_t{1} << (LowBits(row) % 64);
    }
    for (const std::uint64_t word : words) AppendLittle(word, out);
  }
};

// One 32-bit bitmap: rows that share all bits but the lowest 32.
void AppendBitmap(Rows rows, std::string& out) {
  std::vector<Container> containers;
  while (!rows.empty()) containers.emplace_back(TakeSameKey(rows, 16));
  const auto count = static_cast<std::uint32_t>(containers.size());
  const bool has_runs = std::ranges::any_of(containers, &Container::IsRuns);
  std::size_t offset = out.size();  // where the bitmap begins, then where its next container does
  if (has_runs) {
    AppendLittle(kCookieWithRuns | ((count - 1) << 16), out);
    std::string flags((count + 7) / 8, '\0');
    for (std::uint32_t i = 0; i < count; ++i) {
      if (containers[i].IsRuns()) flags[i / 8] = static_cast<char>(flags[i / 8] | (1 << (i % 8)));
    }
    out += flags;
  } else {
    AppendLittle(kCookieWithoutRuns, out);
    AppendLittle(count, out);
  }
  for (const Container& container : containers) {
    AppendLittle(LowBits(container.rows.front() >> 16), out);
    AppendLittle(static_cast<std::uint16_t>(container.rows.size() - 1), out);
  }
  if (!has_runs || count >= kContainersWithOffsetsMin) {
    offset = out.size() - offset + (std::size_t{count} * sizeof(std::uint32_t));
    for (const Container& container : containers) {
      AppendLittle(static_cast<std::uint32_t>(offset), out);
      offset += container.Bytes();
    }
  }
  for (const Container& container : containers) container.Append(out);
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

Result<std::string> EncodeBitmap(std::span<const std::int64_t> rows) {
  const bool ascends = std::ranges::adjacent_find(rows, std::greater_equal()) == rows.end();
  if (!ascends || (!rows.empty() && rows.front() < 0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the rows of a deletion vector have to be positions in ascending order");
  }
  std::string out;
  AppendLittle(kMagic, out);
  const std::size_t count_at = out.size();
  std::uint64_t count = 0;
  AppendLittle(count, out);
  for (; !rows.empty(); ++count) {
    AppendLittle(static_cast<std::uint32_t>(rows.front() >> 32), out);
    AppendBitmap(TakeSameKey(rows, 32), out);
  }
  std::string count_bytes;
  AppendLittle(count, count_bytes);
  out.replace(count_at, count_bytes.size(), count_bytes);
  return out;
}

std::string StoredBitmap(std::string_view bitmap) {
  std::string out;
  out.reserve(kBitmapLengthBytes + bitmap.size() + kBitmapChecksumBytes);
  AppendBig32(static_cast<std::uint32_t>(bitmap.size()), out);
  out += bitmap;
  AppendBig32(Crc32(bitmap), out);
  return out;
}

}  // namespace deltalakedb::protocol
