#include "store/duckdb/duckdb_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/try.h"

namespace deltalakedb::store {

namespace {

// DuckDB keeps a UUID as a signed number whose order is that of the bytes.
constexpr std::uint64_t kUuidSign = std::uint64_t{1} << 63;
// Of duckdb_string_t.
constexpr std::size_t kInlinedMax = 12;

duckdb_uhugeint UuidOf(std::string_view bytes) {
  duckdb_uhugeint number = {};
  std::memcpy(&number.upper, bytes.data(), sizeof(number.upper));
  std::memcpy(&number.lower, bytes.data() + sizeof(number.upper), sizeof(number.lower));
  if constexpr (std::endian::native == std::endian::little) {
    number.upper = __builtin_bswap64(number.upper);
    number.lower = __builtin_bswap64(number.lower);
  }
  return number;
}

std::string_view BytesOf(const duckdb_hugeint& uuid, std::array<char, kUuidBytes>& bytes) {
  auto upper = static_cast<std::uint64_t>(uuid.upper) ^ kUuidSign;
  std::uint64_t lower = uuid.lower;
  if constexpr (std::endian::native == std::endian::little) {
    upper = __builtin_bswap64(upper);
    lower = __builtin_bswap64(lower);
  }
  std::memcpy(bytes.data(), &upper, sizeof(upper));
  std::memcpy(bytes.data() + sizeof(upper), &lower, sizeof(lower));
  return {bytes.data(), bytes.size()};
}

template <typename T>
std::int64_t Number(const void* data, std::uint64_t row) {
  return static_cast<std::int64_t>(static_cast<const T*>(data)[row]);
}

std::string_view Text(const duckdb_string_t& text) {
  const std::uint32_t size = text.value.inlined.length;
  return size <= kInlinedMax ? std::string_view(text.value.inlined.inlined, size)
                             : std::string_view(text.value.pointer.ptr, size);
}

bool IsAscii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<signed char>(c) < 0; });
}

// DuckDB takes what it is given for UTF-8 and fails later when it is not.
Result<void> CheckText(std::string_view text) {
  if (IsAscii(text)) return {};
  const DuckDbErrorData problem(DuckDb().valid_utf8_check(text.data(), text.size()));
  if (problem == nullptr) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "a text is not valid UTF-8, and DuckDB databases hold no other");
}

Error DoesNotFit(const Value& value, duckdb_type type) {
  return Error(ErrorCode::kInternal, fmt::format("a value of kind {} does not fit DuckDB's type {}",
                                                 value.index(), static_cast<int>(type)));
}

duckdb_string_t Referring(std::string_view bytes) {
  duckdb_string_t text = {};
  text.value.inlined.length = static_cast<std::uint32_t>(bytes.size());
  if (bytes.size() <= kInlinedMax) {
    std::copy_n(bytes.begin(), bytes.size(), text.value.inlined.inlined);
  } else {
    std::copy_n(bytes.begin(), sizeof(text.value.pointer.prefix), text.value.pointer.prefix);
    text.value.pointer.ptr = const_cast<char*>(bytes.data());
  }
  return text;
}

// A list's items, and the type that they have; all null when there is no value among them.
Result<DuckDbValue> MakeListItem(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return DuckDbValue(DuckDb().create_int64(*number));
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    DELTALAKEDB_TRY(CheckText(*text));
    return DuckDbValue(DuckDb().create_varchar_length(text->data(), text->size()));
  }
  if (const auto* blob = std::get_if<Blob>(&value)) {
    return DuckDbValue(DuckDb().create_blob(
        reinterpret_cast<const std::uint8_t*>(blob->bytes.data()), blob->bytes.size()));
  }
  return DuckDbValue(DuckDb().create_null_value());
}

duckdb_type TypeOf(const Value& value) {
  if (std::holds_alternative<std::int64_t>(value)) return DUCKDB_TYPE_BIGINT;
  if (std::holds_alternative<Blob>(value)) return DUCKDB_TYPE_BLOB;
  return DUCKDB_TYPE_VARCHAR;
}

Result<void> BindBlob(duckdb_prepared_statement statement, std::uint64_t index,
                      std::string_view bytes) {
  if (DuckDb().param_type(statement, index) != DUCKDB_TYPE_UUID) {
    DuckDb().bind_blob(statement, index, bytes.data(), bytes.size());
    return {};
  }
  if (bytes.size() != kUuidBytes) return Fail(DoesNotFit(Blob{bytes}, DUCKDB_TYPE_UUID));
  const DuckDbValue uuid(DuckDb().create_uuid(UuidOf(bytes)));
  DuckDb().bind_value(statement, index, uuid.get());
  return {};
}

}  // namespace

void DuckDbRows::Take(DuckDbChunk chunk) {
  chunk_ = std::move(chunk);
  rows_ = DuckDb().data_chunk_get_size(chunk_.get());
  row_ = static_cast<std::uint64_t>(-1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const duckdb_vector vector = DuckDb().data_chunk_get_vector(chunk_.get(), i);
    columns_[i].data = DuckDb().vector_get_data(vector);
    columns_[i].validity = DuckDb().vector_get_validity(vector);
  }
}

std::int64_t DuckDbRows::Int(int column) const {
  if (IsNull(column)) return 0;
  const Column& from = At(column);
  switch (from.type) {
    case DUCKDB_TYPE_BIGINT:
      return Number<std::int64_t>(from.data, row_);
    case DUCKDB_TYPE_BOOLEAN:
      return Number<bool>(from.data, row_);
    case DUCKDB_TYPE_INTEGER:
      return Number<std::int32_t>(from.data, row_);
    case DUCKDB_TYPE_SMALLINT:
      return Number<std::int16_t>(from.data, row_);
    case DUCKDB_TYPE_TINYINT:
      return Number<std::int8_t>(from.data, row_);
    default:
      return 0;
  }
}

std::string_view DuckDbRows::Bytes(int column) const {
  if (IsNull(column)) return {};
  const Column& from = At(column);
  switch (from.type) {
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
      return Text(static_cast<const duckdb_string_t*>(from.data)[row_]);
    case DUCKDB_TYPE_UUID:
      return BytesOf(static_cast<const duckdb_hugeint*>(from.data)[row_], from.uuid);
    default:
      return {};
  }
}

Value DuckDbRows::Get(int column) const {
  if (IsNull(column)) return {};
  switch (At(column).type) {
    case DUCKDB_TYPE_VARCHAR:
      return Bytes(column);
    case DUCKDB_TYPE_BLOB:
    case DUCKDB_TYPE_UUID:
      return Blob{Bytes(column)};
    default:
      return Int(column);
  }
}

Result<void> BindDuckDbValue(duckdb_prepared_statement statement, std::uint64_t index,
                             const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (DuckDb().param_type(statement, index) == DUCKDB_TYPE_BOOLEAN) {
      DuckDb().bind_boolean(statement, index, *number != 0);
    } else {
      DuckDb().bind_int64(statement, index, *number);
    }
    return {};
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    DELTALAKEDB_TRY(CheckText(*text));
    DuckDb().bind_varchar_length(statement, index, text->empty() ? "" : text->data(), text->size());
    return {};
  }
  if (const auto* blob = std::get_if<Blob>(&value)) return BindBlob(statement, index, blob->bytes);
  DuckDb().bind_null(statement, index);
  return {};
}

Result<void> BindDuckDbList(duckdb_prepared_statement statement, std::uint64_t index,
                            std::span<const Value> rows, std::size_t columns) {
  std::vector<DuckDbValue> items;
  std::vector<duckdb_value> handles;
  duckdb_type type = DUCKDB_TYPE_VARCHAR;
  for (std::size_t i = index - 1; i < rows.size(); i += columns) {
    if (!std::holds_alternative<std::monostate>(rows[i])) type = TypeOf(rows[i]);
    DELTALAKEDB_ASSIGN(items.emplace_back(), MakeListItem(rows[i]));
    handles.push_back(items.back().get());
  }
  const DuckDbType item_type(DuckDb().create_logical_type(type));
  const DuckDbValue list(
      DuckDb().create_list_value(item_type.get(), handles.data(), handles.size()));
  if (list == nullptr) return Fail(ErrorCode::kInternal, "DuckDB does not take a list of values");
  DuckDb().bind_value(statement, index, list.get());
  return {};
}

DuckDbChunkWriter::DuckDbChunkWriter(std::vector<duckdb_type> types)
    : types_(std::move(types)), rows_max_(DuckDb().vector_size()) {
  std::vector<DuckDbType> owners;
  std::vector<duckdb_logical_type> handles;
  for (const duckdb_type type : types_) {
    owners.emplace_back(DuckDb().create_logical_type(type));
    handles.push_back(owners.back().get());
  }
  chunk_.reset(DuckDb().create_data_chunk(handles.data(), handles.size()));
}

Result<void> DuckDbChunkWriter::FillColumn(std::size_t column, std::span<const Value> values) {
  const duckdb_vector vector = DuckDb().data_chunk_get_vector(chunk_.get(), column);
  void* const data = DuckDb().vector_get_data(vector);
  const duckdb_type type = types_[column];
  std::uint64_t* validity = nullptr;
  for (std::size_t row = 0, i = column; i < values.size(); ++row, i += types_.size()) {
    const Value& value = values[i];
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      if (type == DUCKDB_TYPE_BIGINT) {
        static_cast<std::int64_t*>(data)[row] = *number;
      } else if (type == DUCKDB_TYPE_BOOLEAN) {
        static_cast<bool*>(data)[row] = *number != 0;
      } else {
        return Fail(DoesNotFit(value, type));
      }
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      if (type != DUCKDB_TYPE_VARCHAR) return Fail(DoesNotFit(value, type));
      DELTALAKEDB_TRY(CheckText(*text));
      static_cast<duckdb_string_t*>(data)[row] = Referring(*text);
    } else if (const auto* blob = std::get_if<Blob>(&value)) {
      if (type == DUCKDB_TYPE_BLOB) {
        static_cast<duckdb_string_t*>(data)[row] = Referring(blob->bytes);
      } else if (type == DUCKDB_TYPE_UUID && blob->bytes.size() == kUuidBytes) {
        const duckdb_uhugeint uuid = UuidOf(blob->bytes);
        static_cast<duckdb_hugeint*>(data)[row] = {
            uuid.lower, static_cast<std::int64_t>(uuid.upper ^ kUuidSign)};
      } else {
        return Fail(DoesNotFit(value, type));
      }
    } else {
      if (validity == nullptr) {
        DuckDb().vector_ensure_validity_writable(vector);
        validity = DuckDb().vector_get_validity(vector);
      }
      validity[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    }
  }
  return {};
}

Result<duckdb_data_chunk> DuckDbChunkWriter::Fill(std::span<const Value> values) {
  DuckDb().data_chunk_reset(chunk_.get());
  for (std::size_t column = 0; column < types_.size(); ++column) {
    DELTALAKEDB_TRY(FillColumn(column, values));
  }
  DuckDb().data_chunk_set_size(chunk_.get(), values.size() / types_.size());
  return chunk_.get();
}

}  // namespace deltalakedb::store
