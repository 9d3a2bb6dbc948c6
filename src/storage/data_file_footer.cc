#include "storage/data_file_footer.h"

#include <parquet/file_reader.h>
#include <parquet/properties.h>
#include <parquet/schema.h>
#include <parquet/types.h>

#include <exception>
#include <memory>
#include <utility>

#include "storage/arrow_input.h"
#include "storage/parquet_memory.h"

namespace deltalakedb::storage {

namespace {

bool IsZoneless(const parquet::ColumnDescriptor& column, const std::set<std::string>& columns) {
  if (column.physical_type() == parquet::Type::INT96) return true;
  const auto& type = column.logical_type();
  if (type == nullptr || !type->is_timestamp()) return false;
  return columns.contains(column.path()->ToDotVector().front()) &&
         !static_cast<const parquet::TimestampLogicalType&>(*type).is_adjusted_to_utc();
}

}  // namespace

Result<bool> HasZonelessTimestamps(std::shared_ptr<const InputFile> file,
                                   const std::set<std::string>& columns) {
  const auto input = std::make_shared<ArrowInput>(std::move(file));
  try {
    const auto reader =
        parquet::ParquetFileReader::Open(input, parquet::ReaderProperties(ParquetMemory()));
    const parquet::SchemaDescriptor& schema = *reader->metadata()->schema();
    for (int i = 0; i < schema.num_columns(); ++i) {
      if (IsZoneless(*schema.Column(i), columns)) return true;
    }
    return false;
  } catch (const std::exception& exception) {
    return Fail(input->ErrorFor(exception.what()));
  }
}

}  // namespace deltalakedb::storage
