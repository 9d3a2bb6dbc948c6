#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/extension_type.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <cstddef>
#include <utility>

#include "data/column_plan_internal.h"

namespace deltalakedb::data {

namespace {

using ArrayResult = arrow::Result<std::shared_ptr<arrow::Array>>;

std::shared_ptr<arrow::Array> StorageOf(std::shared_ptr<arrow::Array> array) {
  while (array->type_id() == arrow::Type::EXTENSION) {
    array = static_cast<const arrow::ExtensionArray&>(*array).storage();
  }
  return array;
}

// Which values are null, for an array that begins where `array` does.
arrow::Result<std::shared_ptr<arrow::Buffer>> NullsOf(const arrow::Array& array) {
  const auto& nulls = array.null_bitmap();
  if (nulls == nullptr || array.offset() == 0) return nulls;
  return arrow::internal::CopyBitmap(arrow::default_memory_pool(), nulls->data(), array.offset(),
                                     array.length());
}

ArrayResult ConvertValues(const ColumnPlan& plan, std::shared_ptr<arrow::Array> array) {
  arrow::compute::CastOptions options = arrow::compute::CastOptions::Safe();
  // Nanoseconds become microseconds; texts are as the file has them.
  options.allow_time_truncate = true;
  options.allow_invalid_utf8 = true;
  for (const auto& type : plan.casts) {
    ARROW_ASSIGN_OR_RAISE(array, arrow::compute::Cast(*array, type, options));
  }
  if (array->type()->Equals(*plan.type)) return array;
  auto data = array->data()->Copy();
  data->type = plan.type;
  return arrow::MakeArray(data);
}

ArrayResult ConvertStruct(const ColumnPlan& plan, const arrow::Array& array) {
  const auto& from = static_cast<const arrow::StructArray&>(array);
  arrow::ArrayVector children;
  children.reserve(plan.children.size());
  for (const ColumnPlan& child : plan.children) {
    if (child.source == nullptr) {
      ARROW_ASSIGN_OR_RAISE(children.emplace_back(),
                            arrow::MakeArrayOfNull(child.type, array.length()));
      continue;
    }
    if (child.position >= from.num_fields()) {
      return arrow::Status::Invalid("a struct has fewer fields than were asked for");
    }
    ARROW_ASSIGN_OR_RAISE(children.emplace_back(), Convert(child, from.field(child.position)));
  }
  ARROW_ASSIGN_OR_RAISE(auto nulls, NullsOf(array));
  return std::make_shared<arrow::StructArray>(plan.type, array.length(), std::move(children),
                                              std::move(nulls), array.null_count());
}

// The ends of lists that begin with the first element.
arrow::Result<std::shared_ptr<arrow::Buffer>> OffsetsOf(const arrow::ListArray& array) {
  if (array.offset() == 0 && array.value_offset(0) == 0) return array.value_offsets();
  const std::size_t count = static_cast<std::size_t>(array.length()) + 1;
  ARROW_ASSIGN_OR_RAISE(
      auto buffer, arrow::AllocateBuffer(static_cast<std::int64_t>(count * sizeof(std::int32_t))));
  auto* const offsets = reinterpret_cast<std::int32_t*>(buffer->mutable_data());
  for (std::size_t i = 0; i < count; ++i) {
    offsets[i] = array.value_offset(static_cast<std::int64_t>(i)) - array.value_offset(0);
  }
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

// Lists are parts of one array of elements, of which a part of the lists has a part.
struct ListParts {
  std::shared_ptr<arrow::Buffer> offsets;
  std::shared_ptr<arrow::Buffer> nulls;
  std::int64_t begin = 0;
  std::int64_t length = 0;

  static arrow::Result<ListParts> Of(const arrow::ListArray& array) {
    ListParts parts;
    if (array.length() == 0) {
      ARROW_ASSIGN_OR_RAISE(auto offsets, arrow::AllocateBuffer(sizeof(std::int32_t)));
      *reinterpret_cast<std::int32_t*>(offsets->mutable_data()) = 0;
      parts.offsets = std::move(offsets);
      return parts;
    }
    parts.begin = array.value_offset(0);
    parts.length = array.value_offset(array.length()) - parts.begin;
    ARROW_ASSIGN_OR_RAISE(parts.offsets, OffsetsOf(array));
    ARROW_ASSIGN_OR_RAISE(parts.nulls, NullsOf(array));
    return parts;
  }
};

ArrayResult ConvertList(const ColumnPlan& plan, std::shared_ptr<arrow::Array> array) {
  if (plan.is_other_list) {
    const auto& element = array->type()->field(0);
    ARROW_ASSIGN_OR_RAISE(array, arrow::compute::Cast(*array, arrow::list(element)));
  }
  const auto& from = static_cast<const arrow::ListArray&>(*array);
  ARROW_ASSIGN_OR_RAISE(ListParts parts, ListParts::Of(from));
  ARROW_ASSIGN_OR_RAISE(auto elements, Convert(plan.children.front(),
                                               from.values()->Slice(parts.begin, parts.length)));
  return std::make_shared<arrow::ListArray>(plan.type, array->length(), std::move(parts.offsets),
                                            std::move(elements), std::move(parts.nulls),
                                            array->null_count());
}

ArrayResult ConvertMap(const ColumnPlan& plan, const arrow::Array& array) {
  const auto& from = static_cast<const arrow::MapArray&>(array);
  ARROW_ASSIGN_OR_RAISE(ListParts parts, ListParts::Of(from));
  ARROW_ASSIGN_OR_RAISE(
      auto keys, Convert(plan.children.front(), from.keys()->Slice(parts.begin, parts.length)));
  ARROW_ASSIGN_OR_RAISE(
      auto values, Convert(plan.children.back(), from.items()->Slice(parts.begin, parts.length)));
  return std::make_shared<arrow::MapArray>(plan.type, array.length(), std::move(parts.offsets),
                                           std::move(keys), std::move(values),
                                           std::move(parts.nulls), array.null_count());
}

}  // namespace

ArrayResult Convert(const ColumnPlan& plan, const std::shared_ptr<arrow::Array>& array) {
  std::shared_ptr<arrow::Array> bare = StorageOf(array);
  switch (plan.kind) {
    case ColumnPlan::Kind::kMissing:
      return arrow::MakeArrayOfNull(plan.type, array->length());
    case ColumnPlan::Kind::kValues:
      return ConvertValues(plan, std::move(bare));
    case ColumnPlan::Kind::kStruct:
      if (bare->type_id() == arrow::Type::STRUCT) return ConvertStruct(plan, *bare);
      break;
    case ColumnPlan::Kind::kList:
      if (plan.is_other_list || bare->type_id() == arrow::Type::LIST) {
        return ConvertList(plan, std::move(bare));
      }
      break;
    case ColumnPlan::Kind::kMap:
      if (bare->type_id() == arrow::Type::MAP) return ConvertMap(plan, *bare);
      break;
  }
  return arrow::Status::Invalid("it was read as ", bare->type()->ToString(),
                                ", which its schema does not say");
}

}  // namespace deltalakedb::data
