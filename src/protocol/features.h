// Protocol versions and table features: what this program can read and write (PROTOCOL.md, Table
// features).
//
// To support another reader feature, add its name to kReadableFeatures in features.cc, once whoever
// reads logs and rows does what the feature asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"

namespace deltalakedb::protocol {

// Whether the state of a table with this protocol can be read.
// Errors: Unsupported (reader version or features, by name, fact "features"; catalog-managed
// tables, whose latest version only their catalog knows), Corrupt (feature lists that contradict
// the versions).
Result<void> CheckReadable(const Protocol& protocol);

// Whether a table's files alone say what its versions are, which CheckReadable asks too.
// Errors: Unsupported (catalog-managed tables).
Result<void> CheckManagedByFiles(const Protocol& protocol);

// Whether this program may commit actions that it is given to a table with this protocol and
// metadata, and keep every promise that the table's features make. It writes no data files: what a
// feature asks of their rows is up to whoever wrote them (see kFeatures in writer_features.cc).
// Errors: Unsupported (writer version, features or properties, by name, fact "features"), Corrupt
// (feature lists that contradict the versions).
Result<void> CheckWritable(const Protocol& protocol, const Metadata& metadata);

// The features of a protocol: those that it lists and, for a writer version below 7, those that
// the versions imply.
std::set<std::string, std::less<>> FeaturesOf(const Protocol& protocol);
bool Supports(const Protocol& protocol, std::string_view feature);

// Whether versions and feature lists fit each other, and each feature has what it needs: what a
// commit may not get wrong, whoever can read it.
// Errors: InvalidArgument (facts field, and features where it is about some).
Result<void> CheckWellFormed(const Protocol& protocol);

// Whether a commit may replace one protocol by another: nothing is lowered, and no feature is lost,
// those that the old versions implied included.
// Errors: InvalidArgument (facts action, field, and features where it is about some).
Result<void> CheckUpgrade(const Protocol& before, const Protocol& after);

// What a table is to be able to do at least.
struct ProtocolNeeds {
  std::set<std::string, std::less<>> features;
  std::int32_t min_reader_version = 1;
  std::int32_t min_writer_version = 1;
};
// The lowest protocol that has these and everything that `before` has: versions alone where they
// say it, else the features by name, those that the old versions implied included (PROTOCOL.md,
// Table features, upgrade rules). It is `before` where that is enough.
// Errors: Unsupported (a feature or version that this program does not know; fact features).
Result<Protocol> RaiseProtocol(const Protocol& before, const ProtocolNeeds& needs);

// Whether a commit that was prepared before a feature was added may come after that: nothing is
// asked of it, or a rebase does what is asked (PROTOCOL.md, Conflict resolution, step 1).
bool MayPassAddedFeature(std::string_view feature);

}  // namespace deltalakedb::protocol
