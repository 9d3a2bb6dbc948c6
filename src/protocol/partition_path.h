// Where data files go below a table, and how an add says it (PROTOCOL.md, Path encoding).
//
// The folder of a partition is a convention: what a file's values are is told by its action alone.
// Pure functions, safe from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace deltalakedb::protocol {

// A column's name and the text of its value, both as partitionValues has them.
struct PartitionText {
  std::string_view column;
  std::optional<std::string_view> value;
};

// `day=2024-01-02/city=a%2Fb`: the folders of a partition, escaped as Hive does it. Null and the
// empty text are `__HIVE_DEFAULT_PARTITION__`. Empty where there is no column.
std::string PartitionDirectory(std::span<const PartitionText> partition);

// A path below the table as add.path has it: what PercentDecode makes into `path` again. Letters
// outside of ASCII stay as they are, as in Spark's logs.
std::string EncodePath(std::string_view path);

}  // namespace deltalakedb::protocol
