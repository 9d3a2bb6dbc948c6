#include "store/postgres/postgres_copy.h"

#include <fmt/format.h>

#include <bit>
#include <concepts>
#include <cstring>
#include <utility>

namespace deltalakedb::store {

namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr std::size_t kUuidBytes = 16;

template <std::unsigned_integral T>
T SwapIfLittle(T value) {
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  }
  return value;
}

template <std::unsigned_integral T>
void Append(std::string& out, T value) {
  value = SwapIfLittle(value);
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <std::unsigned_integral T>
T Read(const char* data) {
  T value = 0;
  std::memcpy(&value, data, sizeof(value));
  return SwapIfLittle(value);
}

template <std::unsigned_integral T>
void AppendField(std::string& out, T value) {
  Append(out, static_cast<std::uint32_t>(sizeof(T)));
  Append(out, value);
}

void AppendBytes(std::string& out, std::string_view bytes) {
  Append(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

bool AppendInt(std::string& out, std::int64_t value, PostgresType type) {
  switch (type) {
    case PostgresType::kInt8:
      AppendField(out, static_cast<std::uint64_t>(value));
      return true;
    case PostgresType::kInt4:
      AppendField(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
      return value == static_cast<std::int32_t>(value);
    case PostgresType::kInt2:
      AppendField(out, static_cast<std::uint16_t>(static_cast<std::int16_t>(value)));
      return value == static_cast<std::int16_t>(value);
    case PostgresType::kBool:
      AppendField(out, static_cast<std::uint8_t>(value != 0 ? 1 : 0));
      return true;
    default:
      return false;
  }
}

bool AppendValue(std::string& out, const Value& value, PostgresType type) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return AppendInt(out, *number, type);
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendBytes(out, *text);
    return type == PostgresType::kText;
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    AppendBytes(out, blob->bytes);
    return type == PostgresType::kBytea ||
           (type == PostgresType::kUuid && blob->bytes.size() == kUuidBytes);
  }
  Append(out, static_cast<std::uint32_t>(-1));
  return true;
}

Error Malformed() {
  return {ErrorCode::kIo, "the server's answer to COPY is not in the binary form"};
}

}  // namespace

std::int64_t IntOf(const PostgresField& field) {
  switch (field.size) {
    case sizeof(std::uint8_t):
      return static_cast<std::uint8_t>(*field.data);
    case sizeof(std::uint16_t):
      return static_cast<std::int16_t>(Read<std::uint16_t>(field.data));
    case sizeof(std::uint32_t):
      return static_cast<std::int32_t>(Read<std::uint32_t>(field.data));
    case sizeof(std::uint64_t):
      return static_cast<std::int64_t>(Read<std::uint64_t>(field.data));
    default:
      return 0;
  }
}

Value ValueOf(const PostgresField& field, PostgresType type) {
  if (field.data == nullptr) return {};
  const std::string_view bytes(field.data, field.size);
  switch (type) {
    case PostgresType::kBool:
    case PostgresType::kInt2:
    case PostgresType::kInt4:
    case PostgresType::kInt8:
      return IntOf(field);
    case PostgresType::kBytea:
    case PostgresType::kUuid:
      return Blob{bytes};
    case PostgresType::kText:
      break;
  }
  return bytes;
}

std::optional<PostgresType> ElementOf(std::uint32_t list_type) {
  switch (list_type) {  // as pg_type numbers them
    case 1000:
      return PostgresType::kBool;
    case 1001:
      return PostgresType::kBytea;
    case 1009:
      return PostgresType::kText;
    case 1016:
      return PostgresType::kInt8;
    case 2951:
      return PostgresType::kUuid;
    default:
      return std::nullopt;
  }
}

Result<std::string> EncodeList(std::span<const Value> rows, std::size_t columns, std::size_t column,
                               PostgresType type) {
  const std::size_t count = rows.size() / columns;
  std::string list;
  Append(list, std::uint32_t{count == 0 ? 0U : 1U});  // dimensions
  Append(list, std::uint32_t{1});                     // there may be nulls
  Append(list, static_cast<std::uint32_t>(type));
  if (count == 0) return list;
  Append(list, static_cast<std::uint32_t>(count));
  Append(list, std::uint32_t{1});  // the first index
  for (std::size_t row = 0; row < count; ++row) {
    if (AppendValue(list, rows[row * columns + column], type)) continue;
    return Fail(ErrorCode::kInternal, "a list's value is not of its type");
  }
  return list;
}

CopyEncoder::CopyEncoder(std::vector<PostgresType> types) : types_(std::move(types)) {
  bytes_.append(kSignature);
  Append(bytes_, std::uint32_t{0});  // flags
  Append(bytes_, std::uint32_t{0});  // bytes of header extension
}

Result<void> CopyEncoder::AddRow(std::span<const Value> values) {
  bool fits = values.size() == types_.size();
  Append(bytes_, static_cast<std::uint16_t>(values.size()));
  for (std::size_t i = 0; fits && i < values.size(); ++i) {
    fits = AppendValue(bytes_, values[i], types_[i]);
  }
  if (fits) return {};
  return Fail(ErrorCode::kInternal, "a row for COPY does not have its columns' types");
}

void CopyEncoder::Finish() { Append(bytes_, static_cast<std::uint16_t>(-1)); }

Result<bool> CopyDecoder::NextRow() {
  if (!has_header_ && left_.starts_with(kSignature)) {
    constexpr std::size_t kFixed = kSignature.size() + 2 * sizeof(std::uint32_t);
    if (left_.size() < kFixed) return Fail(Malformed());
    const auto extension = Read<std::uint32_t>(left_.data() + kFixed - sizeof(std::uint32_t));
    if (left_.size() - kFixed < extension) return Fail(Malformed());
    left_.remove_prefix(kFixed + extension);
    has_header_ = true;
  }
  if (left_.empty()) return false;
  const char* at = left_.data();
  const char* const end = at + left_.size();
  if (end - at < static_cast<std::ptrdiff_t>(sizeof(std::uint16_t))) return Fail(Malformed());
  const auto columns = static_cast<std::int16_t>(Read<std::uint16_t>(at));
  at += sizeof(std::uint16_t);
  if (columns == -1) {  // the end
    left_ = {};
    return false;
  }
  if (columns < 0 || static_cast<std::size_t>(columns) != fields_.size()) return Fail(Malformed());
  for (PostgresField& field : fields_) {
    if (end - at < static_cast<std::ptrdiff_t>(sizeof(std::uint32_t))) return Fail(Malformed());
    const auto size = static_cast<std::int32_t>(Read<std::uint32_t>(at));
    at += sizeof(std::uint32_t);
    if (size < 0) {
      field = {};
      continue;
    }
    if (end - at < size) return Fail(Malformed());
    field = {at, static_cast<std::size_t>(size)};
    at += size;
  }
  left_ = {at, static_cast<std::size_t>(end - at)};
  return true;
}

}  // namespace deltalakedb::store
