// What a new schema means for the files and for the generated values that a table has (PROTOCOL.md,
// Partition values and schema).
//
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"
#include "protocol/complaint_internal.h"

namespace deltalakedb::protocol {

// Keys of a column's metadata.
inline constexpr std::string_view kTypeChanges = "delta.typeChanges";
inline constexpr std::string_view kIdentityPrefix = "delta.identity.";
inline constexpr std::string_view kIdentityStep = "delta.identity.step";
inline constexpr std::string_view kIdentityMark = "delta.identity.highWaterMark";

// The first column whose type changes otherwise than by a type widening that the table has enabled
// and `delta.typeChanges` notes, or that is new and must not be null: what is wrong with it, for
// files that stay live. `is_mapped`: columns of both are known by their column mapping ids.
std::optional<std::string> FindColumnMisfit(const Schema& before, const Schema& after,
                                            bool is_mapped, bool has_type_widening);

// Whether values of one primitive type, by its name in a schema, become the other's without loss by
// the rules of type widening. False for names that are none.
bool IsWideningOf(std::string_view from, std::string_view to);

// A column whose values a writer makes, each further than the last (`delta.identity.*`).
struct IdentityColumn {
  std::string name;           // as people know it
  std::string physical_name;  // as statistics have it
  bool goes_down = false;
  std::optional<std::int64_t> mark;  // the furthest value so far; none when there is none
};
// Those of the columns that only writers give values to. Errors: Corrupt (a mark or a step that is
// no number).
Result<std::vector<IdentityColumn>> FindIdentityColumns(const Schema& schema, bool is_mapped);

// No mark may go back or go away, or values would come twice. Errors: InvalidArgument, Corrupt.
Result<void> CheckIdentityMarks(const Complaint& complaint, const Schema& before,
                                const Schema& after, bool is_mapped);

// Nor may a file bring values beyond the mark. `add` with dataChange. Errors: InvalidArgument.
Result<void> CheckIdentityValues(const Complaint& complaint, const AddFile& add,
                                 const std::vector<IdentityColumn>& columns);

}  // namespace deltalakedb::protocol
