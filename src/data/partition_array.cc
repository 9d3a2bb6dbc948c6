#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "base/try.h"
#include "data/arrow_types.h"
#include "data/partition_array_internal.h"

namespace deltalakedb::data {

namespace {

using arrow::Scalar;

// Makes the scalar of a value that is not null.
class ScalarMaker {
 public:
  explicit ScalarMaker(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  std::shared_ptr<Scalar> operator()(std::monostate) const { return arrow::MakeNullScalar(type_); }
  std::shared_ptr<Scalar> operator()(bool value) const {
    return std::make_shared<arrow::BooleanScalar>(value);
  }
  std::shared_ptr<Scalar> operator()(std::int64_t value) const {
    switch (type_->id()) {
      case arrow::Type::INT8:
        return std::make_shared<arrow::Int8Scalar>(static_cast<std::int8_t>(value));
      case arrow::Type::INT16:
        return std::make_shared<arrow::Int16Scalar>(static_cast<std::int16_t>(value));
      case arrow::Type::INT32:
        return std::make_shared<arrow::Int32Scalar>(static_cast<std::int32_t>(value));
      default:
        return std::make_shared<arrow::Int64Scalar>(value);
    }
  }
  std::shared_ptr<Scalar> operator()(float value) const {
    return std::make_shared<arrow::FloatScalar>(value);
  }
  std::shared_ptr<Scalar> operator()(double value) const {
    return std::make_shared<arrow::DoubleScalar>(value);
  }
  std::shared_ptr<Scalar> operator()(const protocol::PartitionDecimal& value) const {
    const arrow::Decimal128 decimal(static_cast<std::int64_t>(value.unscaled >> 64),
                                    static_cast<std::uint64_t>(value.unscaled));
    return std::make_shared<arrow::Decimal128Scalar>(decimal, type_);
  }
  std::shared_ptr<Scalar> operator()(protocol::PartitionDate value) const {
    return std::make_shared<arrow::Date32Scalar>(value.days);
  }
  std::shared_ptr<Scalar> operator()(protocol::PartitionTimestamp value) const {
    return std::make_shared<arrow::TimestampScalar>(value.micros, type_);
  }
  std::shared_ptr<Scalar> operator()(const std::string& value) const {
    if (type_->id() == arrow::Type::BINARY) return std::make_shared<arrow::BinaryScalar>(value);
    return std::make_shared<arrow::StringScalar>(value);
  }

 private:
  std::shared_ptr<arrow::DataType> type_;
};

}  // namespace

Result<std::shared_ptr<Scalar>> PartitionScalarOf(const DataType& type,
                                                  const protocol::PartitionValue& value) {
  DELTALAKEDB_ASSIGN(auto arrow_type, ArrowTypeOf(type));
  auto scalar = std::visit(ScalarMaker(arrow_type), value.value());
  if (!scalar->type->Equals(*arrow_type)) {
    return Fail(ErrorCode::kInternal, fmt::format("a partition value of type {} became {}",
                                                  type.ToText(), scalar->type->ToString()));
  }
  return scalar;
}

}  // namespace deltalakedb::data
