// The conformance tables and what is recorded about them (TRUTH.md in their folder explains it).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deltalakedb/error.h"
#include "deltalakedb/snapshot.h"
#include "deltalakedb/table.h"

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

// Whether DELTALAKEDB_SAMPLE asks for a sample where all tables would take long: ctest sets it
// where the build has sanitizers (cmake/Testing.cmake).
bool AskedForSample();

// What a version's entry in a truth file says of its state, computed from a snapshot. Keys are
// those of the truth. Errors are those of the snapshot's streams.
Result<nlohmann::json> DescribeSnapshot(const Snapshot& snapshot);

// The same of a version of the table that a URI names, after comparing it with the snapshot's own
// totals. `version` is told which one it was.
Result<nlohmann::json> DescribeVersion(const std::string& uri, TableVersion which,
                                       std::optional<Version>* version = nullptr);

// Fields of a version's truth that tell how it was rebuilt, not what it is.
const std::set<std::string>& FieldsAboutTheReplay();

// Expects every field of the truth that describes the snapshot, but those in `except`.
void ExpectMatches(const nlohmann::json& truth, const nlohmann::json& actual,
                   const std::set<std::string>& except = {});

// The one code that fits the reason why a table has to be refused.
ErrorCode RefusalCode(const std::string& why);

std::string ErrorText(const Error& error);

}  // namespace deltalakedb::testing
