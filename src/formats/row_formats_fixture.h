// What the tests of row formats share: files of texts, and rows as JSON lines that assertions
// compare.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_folder.h"
#include "base/try.h"
#include "data/row_stream.h"
#include "deltalakedb/row_formats.h"
#include "formats/value_text.h"

namespace deltalakedb::formats {

// What is read: the schema and each row as JSON.
struct ReadRows {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> rows;
};

class RowFormatsTest : public ::testing::Test {
 protected:
  std::string PathOf(std::string_view name) const {
    return (folder_.path() / std::string(name)).native();
  }

  std::string Write(std::string_view name, std::string_view content) const {
    const std::string path = PathOf(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  static std::string ContentOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  static Result<ReadRows> Read(const std::vector<std::string>& paths,
                               const RowInputOptions& options = {}) {
    RowStream stream;
    DELTALAKEDB_TRY(OpenRowFiles(paths, options, stream.get()));
    DELTALAKEDB_ASSIGN(const auto reader, data::ImportStream(stream.get()));
    ReadRows result{reader->schema(), {}};
    for (;;) {
      std::shared_ptr<arrow::RecordBatch> batch;
      const arrow::Status status = reader->ReadNext(&batch);
      if (!status.ok()) return Fail(data::ToError(status));
      if (batch == nullptr) return result;
      EXPECT_TRUE(batch->ValidateFull().ok()) << batch->ValidateFull();
      for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
        std::string text;
        for (int i = 0; i < batch->num_columns(); ++i) {
          text += fmt::format("{}{}=", i > 0 ? " " : "", batch->schema()->field(i)->name());
          AppendJsonValue(*batch->column(i), row, text);
        }
        result.rows.push_back(std::move(text));
      }
    }
  }

  // The rows of texts, with columns of these types.
  Result<ReadRows> ReadText(std::string_view name, std::string_view content,
                            const arrow::FieldVector& columns = {}) const {
    const std::string path = Write(name, content);
    if (columns.empty()) return Read({path});
    ArrowSchema exported = {};
    EXPECT_TRUE(arrow::ExportSchema(*arrow::schema(columns), &exported).ok());
    auto result = Read({path}, {.format = {}, .columns = &exported, .schema_json = {}});
    exported.release(&exported);
    return result;
  }

  static void ExportTable(const std::shared_ptr<arrow::Table>& table, ArrowArrayStream* out) {
    data::ExportStream(std::make_shared<arrow::TableBatchReader>(table), out);
  }

 private:
  base::TempFolder folder_;
};

// A fact of an error as text; "" where there is none.
inline std::string FactOf(const Error& error, std::string_view name) {
  const Error::FactValue* const fact = error.FindFact(name);
  if (fact == nullptr) return "";
  if (const auto* const number = std::get_if<std::int64_t>(fact)) return std::to_string(*number);
  return std::get<std::string>(*fact);
}

}  // namespace deltalakedb::formats
