// The two ways in which a unit of commits runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "store/commit_unit.h"
#include "store/rows.h"

namespace deltalakedb::store {

// In one round trip (connection.runs_units()).
Result<UnitAnswer> RunInRoundTrip(Connection& connection, std::span<const TableCommit> tables,
                                  std::span<const ReadTable> read);
Result<std::vector<CommitAnswer>> AppendInRoundTrip(Connection& connection,
                                                    std::span<const TableCommit* const> commits);

// Statement by statement, where asking costs nothing and one writer has the whole database.
Result<UnitAnswer> RunStepByStep(Connection& connection, std::span<const TableCommit> tables,
                                 std::span<const ReadTable> read);
Result<std::vector<CommitAnswer>> AppendStepByStep(Connection& connection,
                                                   std::span<const TableCommit* const> commits);

std::int64_t CountOf(Relation relation, std::span<const Value> rows);
// The version's row as far as its writer knows it, with its hash.
VersionRow KnownRow(const TableCommit& commit);

}  // namespace deltalakedb::store
