// The conformance tables and what is recorded about them (TRUTH.md in their folder explains it).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "deltalakedb/snapshot.h"

namespace deltalakedb::testing {

struct ConformanceTable {
  std::string name;              // "delta-rs/simple_table"
  std::filesystem::path folder;  // of the table
  nlohmann::json truth;

  std::string expect() const { return truth["expectation"]["expect"]; }
  std::string why() const { return truth["expectation"]["why"]; }
  const nlohmann::json& replay() const { return truth["replay"]; }
};

// Every table, by name. Nothing where there are none and that is no failure: tools/
// conformance_tables.py has said so then. Where it fails, so does the test.
std::optional<std::vector<ConformanceTable>> LoadConformanceTables();

// What a version's entry in a truth file says of its state, computed from a snapshot. Keys are
// those of the truth. Errors are those of the snapshot's streams.
Result<nlohmann::json> DescribeSnapshot(const Snapshot& snapshot);

}  // namespace deltalakedb::testing
