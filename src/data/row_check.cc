#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "data/row_check_internal.h"
#include "protocol/excerpt.h"

namespace deltalakedb::data {

namespace {

using protocol::Excerpt;

// ---- layout -------------------------------------------------------------------------------------

bool HasSameLayout(const arrow::DataType& a, const arrow::DataType& b) {
  if (a.id() != b.id() || a.num_fields() != b.num_fields()) return false;
  switch (a.id()) {
    case arrow::Type::STRUCT:
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return std::ranges::equal(a.fields(), b.fields(), [](const auto& x, const auto& y) {
        return HasSameLayout(*x->type(), *y->type());
      });
    case arrow::Type::TIMESTAMP: {
      // Zones are for showing moments; what counts is whether there is one.
      const auto& x = static_cast<const arrow::TimestampType&>(a);
      const auto& y = static_cast<const arrow::TimestampType&>(b);
      return x.unit() == y.unit() && x.timezone().empty() == y.timezone().empty();
    }
    default:
      return a.Equals(b);
  }
}

// ---- values -------------------------------------------------------------------------------------

// Which values count, of an array: all of them where it is null.
using Visible = const std::vector<bool>*;

std::unexpected<Error> Refused(const std::string& column, std::string_view problem) {
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("column {} {}; no row was written", Excerpt(column), problem))
                  .With("column", Excerpt(column)));
}

bool HasNull(const arrow::Array& values, Visible visible) {
  if (values.null_count() == 0) return false;
  if (visible == nullptr) return true;
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if ((*visible)[static_cast<std::size_t>(i)] && values.IsNull(i)) return true;
  }
  return false;
}

// Whether the texts all are UTF-8, in one go.
bool AreUtf8Together(const arrow::StringArray& texts) {
  if (texts.length() == 0) return true;
  const std::int32_t begin = texts.value_offset(0);
  const std::int32_t end = texts.value_offset(texts.length());
  if (begin == end) return true;
  const std::uint8_t* const bytes = texts.value_data()->data();
  if (!arrow::util::ValidateUTF8(bytes + begin, end - begin)) return false;
  // No character goes from one text into the next: none begins amid one.
  for (std::int64_t i = 1; i < texts.length(); ++i) {
    const std::int32_t offset = texts.value_offset(i);
    if (offset < end && (bytes[offset] & 0xC0U) == 0x80U) return false;
  }
  return true;
}

bool AreUtf8(const arrow::Array& values) {
  const auto& texts = static_cast<const arrow::StringArray&>(values);
  if (AreUtf8Together(texts)) return true;
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    if (texts.IsValid(i) && !arrow::util::ValidateUTF8(texts.GetView(i))) return false;
  }
  return true;
}

Result<void> Check(const DataType& type, bool nullable, const arrow::Array& values, Visible visible,
                   const std::string& path);

Result<void> CheckStruct(const DataType& type, const arrow::Array& values, Visible visible,
                         const std::string& path) {
  const auto& fields = static_cast<const arrow::StructArray&>(values);
  std::vector<bool> below;
  if (fields.null_count() != 0) {
    below.resize(static_cast<std::size_t>(fields.length()));
    for (std::size_t i = 0; i < below.size(); ++i) {
      below[i] =
          (visible == nullptr || (*visible)[i]) && fields.IsValid(static_cast<std::int64_t>(i));
    }
    visible = &below;
  }
  for (std::size_t i = 0; i < type.fields().size(); ++i) {
    const Field& field = type.fields()[i];
    DELTALAKEDB_TRY(Check(field.type(), field.nullable(), *fields.field(static_cast<int>(i)),
                          visible, path + '.' + field.name()));
  }
  return {};
}

// The elements of lists, or the entries of maps, that belong to them, and which of them count.
struct Elements {
  std::int64_t begin = 0;
  std::int64_t length = 0;
  bool all_count = true;
  std::vector<bool> counts;

  Elements(const arrow::ListArray& lists, Visible visible)
      : begin(lists.value_offset(0)), length(lists.value_offset(lists.length()) - begin) {
    if (visible == nullptr && lists.null_count() == 0) return;
    all_count = false;
    counts.resize(static_cast<std::size_t>(length));
    for (std::int64_t i = 0; i < lists.length(); ++i) {
      if (lists.IsNull(i) || (visible != nullptr && !(*visible)[static_cast<std::size_t>(i)])) {
        continue;
      }
      for (std::int64_t j = lists.value_offset(i); j < lists.value_offset(i + 1); ++j) {
        counts[static_cast<std::size_t>(j - begin)] = true;
      }
    }
  }
  Visible visible() const { return all_count ? nullptr : &counts; }
};

Result<void> CheckLists(const DataType& type, const arrow::Array& values, Visible visible,
                        const std::string& path) {
  const auto& lists = static_cast<const arrow::ListArray&>(values);
  const Elements elements(lists, visible);
  const auto slice = [&](const arrow::Array& of) {
    return of.Slice(elements.begin, elements.length);
  };
  if (type.kind() == TypeKind::kArray) {
    return Check(type.element(), type.contains_null(), *slice(*lists.values()), elements.visible(),
                 path + ".element");
  }
  const auto& maps = static_cast<const arrow::MapArray&>(values);
  DELTALAKEDB_TRY(Check(type.key(), /*nullable=*/false, *slice(*maps.keys()), elements.visible(),
                        path + ".key"));
  return Check(type.value(), type.contains_null(), *slice(*maps.items()), elements.visible(),
               path + ".value");
}

Result<void> Check(const DataType& type, bool nullable, const arrow::Array& values, Visible visible,
                   const std::string& path) {
  if (!nullable && HasNull(values, visible)) {
    return Refused(path, "has a null, and the table's schema has none there");
  }
  switch (type.kind()) {
    case TypeKind::kString:
      if (AreUtf8(values)) return {};
      return Refused(path, "has a text that is no UTF-8; declare the column binary or convert it");
    case TypeKind::kStruct:
      return CheckStruct(type, values, visible, path);
    case TypeKind::kArray:
    case TypeKind::kMap:
      return CheckLists(type, values, visible, path);
    case TypeKind::kVariant: {
      const auto& parts = static_cast<const arrow::StructArray&>(values);
      for (int i = 0; i < parts.num_fields(); ++i) {
        const auto part = parts.field(i);
        if (part->null_count() == 0) continue;
        for (std::int64_t row = 0; row < parts.length(); ++row) {
          const bool counts = visible == nullptr || (*visible)[static_cast<std::size_t>(row)];
          if (counts && parts.IsValid(row) && part->IsNull(row)) {
            return Refused(path, "has a variant without its metadata or value");
          }
        }
      }
      return {};
    }
    default:
      return {};
  }
}

}  // namespace

Result<void> CheckLayout(const arrow::Schema& rows, const arrow::Schema& wanted) {
  const auto refused = [](const std::string& column, const std::string& type,
                          const std::string& problem) {
    return Fail(Error(ErrorCode::kInvalidArgument, problem)
                    .With("column", Excerpt(column))
                    .With("type", Excerpt(type)));
  };
  for (int i = 0; i < wanted.num_fields(); ++i) {
    const arrow::Field& field = *wanted.field(i);
    const std::string type = field.type()->ToString();
    if (i >= rows.num_fields()) {
      return refused(field.name(), type, "rows lack the column " + Excerpt(field.name()));
    }
    const arrow::Field& given = *rows.field(i);
    if (HasSameLayout(*given.type(), *field.type())) continue;
    const std::string given_type = given.type()->ToString();
    return refused(field.name(), given_type,
                   fmt::format("rows have the Arrow type {} in column {}, the table has {}",
                               Excerpt(given_type), Excerpt(field.name()), Excerpt(type)));
  }
  if (rows.num_fields() == wanted.num_fields()) return {};
  const arrow::Field& more = *rows.field(wanted.num_fields());
  return refused(more.name(), more.type()->ToString(),
                 fmt::format("the table has no column {}", Excerpt(more.name())));
}

Result<void> CheckValues(const Field& column, const arrow::Array& values) {
  return Check(column.type(), column.nullable(), values, nullptr, column.name());
}

}  // namespace deltalakedb::data
