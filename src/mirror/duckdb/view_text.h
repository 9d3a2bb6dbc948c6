// The text of a table's view in a DuckDB mirror, and of the macros that it stands on.
//
// A view's text cannot hold parameters, nor can DuckDB take the files to be read from a query. So
// the paths are in macros, some hundred in each, which are rewritten where files change:
//
//   part_1_4()     a list of paths                            table 1, part 4
//   paths_1_0()    the parts of a group, one list             group 0, see FileGroup
//   scan_1(a, b)   read_parquet over both groups, columns c0, c1, … as the schema has them
//   the view       names the columns, joins partition values, leaves out deleted rows
//
// DuckDB looks at the files when it is told such a view, unless the macro takes the paths as
// parameters; the view itself is told over a macro without files (`stub`). So whoever publishes
// needs no access to them.
//
// Pure functions, safe from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::mirror {

// Some files do not say of their timestamps that they are UTC (storage/data_file_footer.h); DuckDB
// would take them for the session's own time. They are read apart.
enum class FileGroup : std::uint8_t { kPlain = 0, kZoneless = 1 };
inline constexpr std::size_t kFileGroups = 2;

// A name, such as a column's, and a text, as SQL has them. Not for texts with NUL, see
// CheckViewable.
std::string QuoteName(std::string_view name);
std::string QuoteText(std::string_view text);
// A path that read_parquet takes for itself and not for a pattern.
std::string QuotePath(std::string_view path);

// Whether a view can show such a table. Errors: Unsupported (facts column and type), Corrupt.
Result<void> CheckViewable(std::string_view table, const Schema& schema);
// Whether a timestamp is somewhere in a column that is read from files.
bool HasTimestamps(const Schema& schema, const std::vector<std::string>& partition_columns);
// The columns that hold moments and no wall clock times, by their names in files.
std::set<std::string> ColumnsOfMoments(const Metadata& metadata, const Schema& schema);
// The name of a column in files and in partitionValues.
const std::string& PhysicalName(const Metadata& metadata, const Field& field);

struct ViewShape {
  std::int64_t table_no = 0;
  std::string_view name;
  const Metadata& metadata;
  const Schema& schema;
  std::array<bool, kFileGroups> has_files = {};  // by FileGroup
  bool has_deleted_rows = false;
};

struct ViewText {
  std::string stub;
  std::string view;
  std::string scan;  // in the place of `stub`, once the view is there
};
// Only for what CheckViewable has passed.
ViewText MakeViewText(const ViewShape& shape);

// The macros of paths. Several statements in one text where that is needed.
std::string PartText(std::int64_t table_no, std::int64_t part,
                     const std::vector<std::string>& paths);
std::string DropPartText(std::int64_t table_no, std::int64_t part);
std::string PathsText(std::int64_t table_no, FileGroup group,
                      const std::vector<std::int64_t>& parts);
std::string DropViewText(std::string_view name);

}  // namespace deltalakedb::mirror
